package dev.userdirectory.lambda;

import com.amazonaws.serverless.exceptions.InvalidRequestEventException;
import com.amazonaws.serverless.proxy.internal.servlet.AwsHttpApiV2HttpServletRequestReader;
import com.amazonaws.serverless.proxy.model.ContainerConfig;
import com.amazonaws.serverless.proxy.model.HttpApiV2ProxyRequest;
import com.amazonaws.services.lambda.runtime.Context;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.ws.rs.core.SecurityContext;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;

/** Authenticates the handler's own requests, for which there is no valid token. */
class Requests extends AwsHttpApiV2HttpServletRequestReader {
    private @Nullable Authentication caller;

    /** Runs code that sends the handler's own requests. */
    <T> T authenticated(Supplier<T> requests) {
        caller = new UsernamePasswordAuthenticationToken(
                "priming", null, AuthorityUtils.createAuthorityList("SCOPE_users:read"));
        try {
            return requests.get();
        } finally {
            caller = null;
        }
    }

    @Override
    public HttpServletRequest readRequest(
            HttpApiV2ProxyRequest event, SecurityContext security, Context context, ContainerConfig config)
            throws InvalidRequestEventException {
        HttpServletRequest request = super.readRequest(event, security, context, config);
        if (caller != null) {
            request.setAttribute(
                    RequestAttributeSecurityContextRepository.DEFAULT_REQUEST_ATTR_NAME,
                    new SecurityContextImpl(caller));
        }
        return request;
    }
}
