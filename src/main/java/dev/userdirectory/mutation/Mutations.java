package dev.userdirectory.mutation;

import dev.userdirectory.database.Actor;
import dev.userdirectory.database.WriteTransaction;
import dev.userdirectory.graphql.operation.Operation;
import dev.userdirectory.input.InputErrors;
import dev.userdirectory.mutation.StoredOutcomes.Known;
import graphql.schema.DataFetchingEnvironment;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * Runs a mutation in one transaction. With an idempotency key, the transaction stores the outcome as well, and a retry
 * gets that outcome instead of writing again.
 */
@Component
public class Mutations {
    private final WriteTransaction transaction;
    private final StoredOutcomes stored;
    private final OutcomeBudgets budgets;
    private final Turns turns = new Turns();

    Mutations(WriteTransaction transaction, StoredOutcomes stored, OutcomeBudgets budgets) {
        this.transaction = transaction;
        this.stored = stored;
        this.budgets = budgets;
    }

    public static boolean hasKey(DataFetchingEnvironment env) {
        return env.getArgument(IdempotencyKey.ARGUMENT) != null
                || Operation.of(env.getGraphQlContext()).idempotencyKey != null;
    }

    /** Runs a mutation whose arguments cannot be checked without the database. */
    public <T> T execute(
            DataFetchingEnvironment env, Function<InputErrors, T> rejection, Function<InputErrors, @Nullable T> write) {
        return execute(env, rejection, errors -> {}, write);
    }

    /**
     * Runs a mutation whose result depends on the person who makes it, since several people may share a subject.
     *
     * @param maySee whether the person may see a stored payload; if not, the key counts as reused
     */
    public <T> T executeFor(
            Predicate<T> maySee,
            DataFetchingEnvironment env,
            Function<InputErrors, T> rejection,
            Function<InputErrors, @Nullable T> write) {
        return execute(maySee, env, rejection, errors -> {}, write);
    }

    /**
     * @param rejection makes the payload of a rejected mutation
     * @param check checks the arguments that can be checked without the database. If it adds errors, {@code write} does
     *     not run, and without a key there is not even a transaction.
     * @param write checks the other arguments, and writes if there are no errors. It may run several times, so it must
     *     not keep state between runs. It throws {@link Rejected} if the mutation turns out to be impossible after it
     *     has begun to write.
     * @return the payload from {@code write}, or the rejection if there were errors
     */
    public <T> T execute(
            DataFetchingEnvironment env,
            Function<InputErrors, T> rejection,
            Consumer<InputErrors> check,
            Function<InputErrors, @Nullable T> write) {
        return execute(payload -> true, env, rejection, check, write);
    }

    private <T> T execute(
            Predicate<T> maySee,
            DataFetchingEnvironment env,
            Function<InputErrors, T> rejection,
            Consumer<InputErrors> check,
            Function<InputErrors, @Nullable T> write) {
        InputErrors keyErrors = new InputErrors();
        IdempotencyKey key = IdempotencyKey.of(env, keyErrors);
        if (!keyErrors.isEmpty()) {
            return rejection.apply(keyErrors);
        }
        InputErrors invalid = new InputErrors();
        check.accept(invalid);
        if (key == null && !invalid.isEmpty()) {
            return rejection.apply(invalid);
        }
        Actor actor = Operation.of(env.getGraphQlContext()).caller.actor();
        Supplier<T> attempt = () -> {
            InputErrors errors = invalid.isEmpty() ? new InputErrors() : invalid;
            T payload = errors.isEmpty() ? write.apply(errors) : null;
            return errors.isEmpty() ? Objects.requireNonNull(payload) : rejection.apply(errors);
        };
        return key == null
                ? run(null, maySee, actor, rejection, attempt)
                : turns.take(key.id(), () -> run(key, maySee, actor, rejection, attempt));
    }

    private <T> T run(
            @Nullable IdempotencyKey key,
            Predicate<T> maySee,
            @Nullable Actor actor,
            Function<InputErrors, T> rejection,
            Supplier<T> attempt) {
        try {
            return transaction.execute(actor, () -> once(key, maySee, rejection, attempt));
        } catch (Rejected e) {
            if (key == null) {
                return rejection.apply(e.errors);
            }
            return transaction.execute(null, () -> once(key, maySee, rejection, () -> rejection.apply(e.errors)));
        }
    }

    private <T> T once(
            @Nullable IdempotencyKey key,
            Predicate<T> maySee,
            Function<InputErrors, T> rejection,
            Supplier<T> attempt) {
        if (key == null) {
            return attempt.get();
        }
        InputErrors errors = new InputErrors();
        if (stored.claim(key)) {
            errors.check(budgets.problem(key.subject()), key.argument());
            if (!errors.isEmpty()) {
                stored.release(key);
                return rejection.apply(errors);
            }
            T payload = attempt.get();
            budgets.spend(key.subject(), stored.store(key, payload));
            return payload;
        }
        @SuppressWarnings("unchecked") // a payload is not generic
        Class<T> type = (Class<T>) rejection.apply(new InputErrors()).getClass();
        Known<T> known = stored.find(key, type);
        if (known.outcome() != null && maySee.test(known.outcome())) {
            return known.outcome();
        }
        errors.addKeyReused(known.objectId(), key.argument());
        return rejection.apply(errors);
    }
}
