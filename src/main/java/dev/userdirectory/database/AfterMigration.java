package dev.userdirectory.database;

/** What {@code migrate} does once the tables are up to date, with the data source alone. */
public interface AfterMigration {
    void run();
}
