package dev.userdirectory.graphql.operation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.userdirectory.Client;
import dev.userdirectory.DirectoryTest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.graphql.ExecutionGraphQlService;
import org.springframework.graphql.server.WebGraphQlInterceptor.Chain;
import org.springframework.graphql.server.WebGraphQlRequest;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Failures outside data fetchers are reported like those inside: as GraphQL errors with the ID of a log entry. */
@DirectoryTest
@Import(UnforeseenFailureTest.Failing.class)
@ExtendWith(OutputCaptureExtension.class)
class UnforeseenFailureTest {
    @Autowired
    Client client;

    @ParameterizedTest
    @CsvSource({"throws,200", "later,200", "stack,200", "outside,500", "servlet,500"})
    void reportsGraphQlErrorWithTheIdOfALogEntry(String how, int status, CapturedOutput output) {
        HttpResponse<String> response = client.send(HttpRequest.newBuilder(client.uri("/graphql"))
                // The content type chooses one of the two endpoints.
                .header("Content-Type", how.equals("servlet") ? "application/graphql" : "application/json")
                .header("Fail", how)
                .POST(BodyPublishers.ofString("{\"query\": \"{ __typename }\"}"))
                .build());

        assertThat(response.statusCode()).isEqualTo(status);
        JsonNode error = JsonMapper.shared().readTree(response.body()).at("/errors/0");
        assertThat(error.at("/extensions/code").asString()).isEqualTo("INTERNAL_SERVER_ERROR");
        String id = error.get("message").asString().replaceFirst(".* under the ID ([^.]*)\\..*", "$1");
        assertThat(output).contains("Error " + id, "secret");
        assertThat(response.body()).doesNotContain("secret", "Exception", "java", "StackOverflow");
    }

    @TestConfiguration(proxyBeanMethods = false)
    static class Failing implements WebMvcConfigurer {
        @Bean
        static BeanPostProcessor failing() {
            return new BeanPostProcessor() {
                @Override
                public Object postProcessAfterInitialization(Object bean, String name) {
                    return switch (bean) {
                        case ExecutionGraphQlService service -> failing(service);
                        case Chain pipeline -> failing(pipeline);
                        default -> bean;
                    };
                }
            };
        }

        private static ExecutionGraphQlService failing(ExecutionGraphQlService service) {
            return request -> switch (how((WebGraphQlRequest) request)) {
                case "throws" -> throw new IllegalStateException("secret");
                case "later" -> Mono.error(new IllegalStateException("secret"));
                case "stack" -> throw new StackOverflowError("secret");
                default -> service.execute(request);
            };
        }

        private static Chain failing(Chain pipeline) {
            return request -> {
                if (how(request).equals("outside")) {
                    throw new IllegalStateException("secret");
                }
                return pipeline.next(request);
            };
        }

        private static String how(WebGraphQlRequest request) {
            return String.valueOf(request.getHeaders().getFirst("Fail"));
        }

        @Override
        public void addInterceptors(InterceptorRegistry registry) {
            registry.addInterceptor(new HandlerInterceptor() {
                @Override
                public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
                    if ("servlet".equals(request.getHeader("Fail"))) {
                        throw new IllegalStateException("secret");
                    }
                    return true;
                }
            });
        }
    }
}
