package com.example;

import com.example.directory.client.CreateUserGraphQLQuery;
import com.example.directory.client.CreateUserProjectionRoot;
import com.example.directory.client.DeleteUserGraphQLQuery;
import com.example.directory.client.DeleteUserProjectionRoot;
import com.example.directory.client.UpdateUserGraphQLQuery;
import com.example.directory.client.UpdateUserProjectionRoot;
import com.example.directory.client.UsersGraphQLQuery;
import com.example.directory.client.UsersProjectionRoot;
import com.example.directory.types.CreateUserPayload;
import com.example.directory.types.DeleteUserPayload;
import com.example.directory.types.UpdateUserPayload;
import com.example.directory.types.User;
import com.example.directory.types.UserConnection;
import com.example.directory.types.UserOrder;
import com.example.directory.types.UserOrderField;
import com.netflix.graphql.dgs.client.codegen.GraphQLQueryRequest;
import java.util.HashMap;
import java.util.Map;
import org.springframework.graphql.client.HttpSyncGraphQlClient;
import org.springframework.web.client.RestClient;

/**
 * The operations that this program needs. Their documents never change, so that the service parses each only once: values
 * are passed as variables.
 *
 * <p>The methods throw {@link org.springframework.graphql.client.FieldAccessException} if the response has an error. A
 * mutation that the service rejects is not such an error: its payload says why.
 */
class DirectoryClient {
    private static final String USERS = new GraphQLQueryRequest(
                    UsersGraphQLQuery.newRequest()
                            .queryName("Users")
                            .firstReference("first")
                            .afterReference("after")
                            .orderBy(UserOrder.newBuilder().field(UserOrderField.NAME).build())
                            .build(),
                    new UsersProjectionRoot<>().nodes().name().parent().pageInfo().hasNextPage().endCursor())
            .serialize();

    private static final String CREATE_USER = new GraphQLQueryRequest(
                    CreateUserGraphQLQuery.newRequest()
                            .queryName("CreateUser")
                            .nameReference("name")
                            .emailReference("email")
                            .build(),
                    new CreateUserProjectionRoot<>().user().id().name().version().parent().errors().message().code())
            .serialize();

    private static final String RENAME_USER = new GraphQLQueryRequest(
                    UpdateUserGraphQLQuery.newRequest()
                            .queryName("RenameUser")
                            .idReference("id")
                            .nameReference("name")
                            .ifVersionReference("ifVersion")
                            .build(),
                    new UpdateUserProjectionRoot<>().user().id().name().version().parent().errors().message().code())
            .serialize();

    private static final String DELETE_USER = new GraphQLQueryRequest(
                    DeleteUserGraphQLQuery.newRequest().queryName("DeleteUser").idReference("id").build(),
                    new DeleteUserProjectionRoot<>().deletedUserId().errors().message().code())
            .serialize();

    private final HttpSyncGraphQlClient client;

    DirectoryClient(String url, String token) {
        client = HttpSyncGraphQlClient.builder(RestClient.create(url))
                .header("Authorization", "Bearer " + token)
                .build();
    }

    /** @param after the end cursor of the previous page, or null for the first one */
    UserConnection users(int first, String after) {
        Map<String, Object> variables = new HashMap<>();
        variables.put("first", first);
        variables.put("after", after);
        return send(USERS, variables, "users", UserConnection.class);
    }

    CreateUserPayload createUser(String name, String email) {
        return send(CREATE_USER, Map.of("name", name, "email", email), "createUser", CreateUserPayload.class);
    }

    /** Renames the user, unless somebody has changed it since it was read. */
    UpdateUserPayload rename(User user, String name) {
        return send(
                RENAME_USER,
                Map.of("id", user.getId(), "name", name, "ifVersion", user.getVersion()),
                "updateUser",
                UpdateUserPayload.class);
    }

    DeleteUserPayload delete(User user) {
        return send(DELETE_USER, Map.of("id", user.getId()), "deleteUser", DeleteUserPayload.class);
    }

    private <T> T send(String document, Map<String, Object> variables, String field, Class<T> type) {
        return client.document(document).variables(variables).retrieveSync(field).toEntity(type);
    }
}
