package dev.userdirectory.user;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.springframework.jdbc.support.SqlValue;

/**
 * An array of IDs as the value of a placeholder. PostgreSQL would parse the text of an array again for each row. Unlike
 * a JDBC array, it equals another one with the same elements.
 */
record GroupIds(List<UUID> ids) implements SqlValue {
    @Override
    public void setValue(PreparedStatement statement, int index) throws SQLException {
        statement.setArray(index, statement.getConnection().createArrayOf("uuid", ids.toArray()));
    }

    @Override
    public void cleanup() {}
}
