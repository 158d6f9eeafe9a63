package dev.userdirectory.database;

/** A step that {@code migrate} runs once the tables are up to date. Only the data source is available to it. */
public interface AfterMigration {
    void run();
}
