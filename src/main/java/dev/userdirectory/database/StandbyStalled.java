package dev.userdirectory.database;

/** Too many commits wait for a synchronous standby, so nothing was written. */
public class StandbyStalled extends RuntimeException {
    StandbyStalled() {
        super("Writes wait for a standby of the database. Nothing was changed: try again");
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
