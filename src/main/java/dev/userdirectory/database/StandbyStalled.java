package dev.userdirectory.database;

import dev.userdirectory.error.ErrorCode;

/** Too many commits wait for a synchronous standby, so no write begins. */
public class StandbyStalled extends RuntimeException {
    private final ErrorCode code;

    private StandbyStalled(ErrorCode code, String consequence) {
        super("Writes wait for a standby of the database. " + consequence);
        this.code = code;
    }

    /** Nothing was written for the request. It may be a retry of one whose commit still waits. */
    public static StandbyStalled beforeWriting() {
        return new StandbyStalled(ErrorCode.UNAVAILABLE, "This attempt changed nothing: try again");
    }

    /** An earlier attempt of the same request may be waiting for the standby. */
    public static StandbyStalled afterAnAttempt() {
        return new StandbyStalled(ErrorCode.DEADLINE_EXCEEDED, "Whether the mutation took effect is unknown");
    }

    public ErrorCode code() {
        return code;
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
