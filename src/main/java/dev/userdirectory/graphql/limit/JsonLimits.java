package dev.userdirectory.graphql.limit;

import org.springframework.boot.jackson.autoconfigure.JsonFactoryBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;

/**
 * Sets limits for the JSON that clients send, on the {@code JsonMapper} that reads it for every transport. Jackson's
 * own limits allow member names of 50,000 characters, and its cache of names would keep each of them.
 */
@Configuration(proxyBeanMethods = false)
class JsonLimits {
    @Bean
    JsonFactoryBuilderCustomizer limitJson(Limits limits) {
        return factory -> factory.disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                .streamReadConstraints(new Constraints(limits));
    }

    /** Jackson checks these while it reads, before a value becomes a string or a number. */
    private static final class Constraints extends StreamReadConstraints {
        Constraints(Limits limits) {
            super(
                    DEFAULT_MAX_DEPTH,
                    DEFAULT_MAX_DOC_LEN,
                    DEFAULT_MAX_TOKEN_COUNT,
                    limits.digits(),
                    DEFAULT_MAX_STRING_LEN,
                    limits.memberName());
        }

        @Override
        public void validateIntegerLength(int length) {
            check(LimitExceeded.DIGITS, length, _maxNumLen);
        }

        @Override
        public void validateFPLength(int length) {
            check(LimitExceeded.DIGITS, length, _maxNumLen);
        }

        @Override
        public void validateNameLength(int length) {
            check(LimitExceeded.MEMBER_NAME, length, _maxNameLen);
        }

        private static void check(LimitExceeded limitExceeded, int length, int limit) {
            if (length > limit) {
                throw new JsonLimitExceeded(limitExceeded.error(length, limit));
            }
        }
    }
}
