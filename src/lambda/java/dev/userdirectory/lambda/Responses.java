package dev.userdirectory.lambda;

import com.amazonaws.serverless.exceptions.InvalidResponseObjectException;
import com.amazonaws.serverless.proxy.internal.servlet.AwsHttpServletResponse;
import com.amazonaws.serverless.proxy.internal.servlet.AwsProxyHttpServletResponseWriter;
import com.amazonaws.serverless.proxy.model.AwsProxyResponse;
import com.amazonaws.services.lambda.runtime.Context;
import java.util.LinkedHashMap;
import java.util.Map;

/** Joins repeated headers, which payload format 2.0 does not allow: the library would keep only the first. */
class Responses extends AwsProxyHttpServletResponseWriter {
    @Override
    public AwsProxyResponse writeResponse(AwsHttpServletResponse response, Context context)
            throws InvalidResponseObjectException {
        AwsProxyResponse written = super.writeResponse(response, context);
        Map<String, String> headers = new LinkedHashMap<>();
        written.getMultiValueHeaders().forEach((name, values) -> headers.put(name, String.join(", ", values)));
        written.setHeaders(headers);
        written.setMultiValueHeaders(null);
        return written;
    }
}
