package dev.userdirectory.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.coyote.ActionCode;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.webmvc.error.ErrorController;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

/** Reports errors of filters and of the server itself, which never reach our handlers, as an {@link HttpError}. */
@Configuration(proxyBeanMethods = false)
class ServerErrors {
    /** Replaces Spring Boot's error page, which has a different format. */
    @RestController
    static class Page implements ErrorController {
        @RequestMapping("${server.error.path:/error}")
        void error(HttpServletRequest request, HttpServletResponse response) throws IOException {
            HttpError.of(response.getStatus()).writeTo(request, response);
        }
    }

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> reportAsJson() {
        return server -> server.addContextCustomizers(context -> {
            if (context.getParent() instanceof StandardHost host) {
                host.getPipeline().addValve(new Report());
                host.setErrorReportValveClass(Report.class.getName()); // so that Tomcat does not add its own valve
            }
        });
    }

    private static class Report extends ErrorReportValve {
        @Override
        protected void report(Request request, Response response, @Nullable Throwable exception) {
            AtomicBoolean open = new AtomicBoolean();
            response.getCoyoteResponse().action(ActionCode.IS_IO_ALLOWED, open);
            if (response.getStatus() < 400
                    || response.getContentWritten() > 0
                    || !response.setErrorReported()
                    || !open.get()) {
                return;
            }
            response.setHeader("Cache-Control", "no-store");
            response.setContentType(MediaType.APPLICATION_JSON_VALUE);
            response.setCharacterEncoding(StandardCharsets.UTF_8);
            try (Writer writer = response.getReporter()) {
                if (writer != null) {
                    writer.write(JsonMapper.shared()
                            .writeValueAsString(
                                    HttpError.of(response.getStatus()).body()));
                    response.finishResponse();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
