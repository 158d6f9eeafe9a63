package dev.userdirectory.shortcut;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.userdirectory.graphql.operation.Operation;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.observation.DefaultMeterObservationHandler;
import io.micrometer.core.instrument.observation.DefaultMeterObservationHandler.IgnoredMeters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import io.opentelemetry.context.Context;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;
import org.springframework.boot.graphql.autoconfigure.GraphQlProperties;
import org.springframework.http.server.observation.DefaultServerRequestObservationConvention;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.filter.ServerHttpObservationFilter;
import reactor.core.publisher.Mono;
import tools.jackson.databind.json.JsonMapper;

class ObservationShortcutTest {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @ParameterizedTest
    @ValueSource(ints = {200, 204, 302, 400, 401, 404, 413, 500, 503})
    void timesRequestsUnderTheTagsOfAnObservation(int status) throws ServletException, IOException {
        FilterChain chain = (request, response) -> {
            ServerHttpObservationFilter.findObservationContext((MockHttpServletRequest) request)
                    .ifPresent(context -> context.setPathPattern("/graphql"));
            ((HttpServletResponse) response).setStatus(status);
        };

        filter(false, operation(), chain);
        Timer timed = onlyTimer();
        filter(false, ofTrace(), chain);

        assertThat(timed.getId().getName()).isEqualTo("http.server.requests");
        assertThat(onlyTimer()).isSameAs(timed);
        assertThat(timed.count()).isEqualTo(2);
    }

    @Test
    void timesFailuresUnderTheTagsOfAnObservation() {
        FilterChain chain = (request, response) -> {
            ServerHttpObservationFilter.findObservationContext((MockHttpServletRequest) request)
                    .ifPresent(context -> context.setPathPattern("/graphql"));
            throw new IOException("gone");
        };

        assertThatThrownBy(() -> filter(false, operation(), chain)).hasMessage("gone");
        Timer timed = onlyTimer();
        assertThatThrownBy(() -> filter(false, ofTrace(), chain)).hasMessage("gone");

        assertThat(onlyTimer()).isSameAs(timed);
        assertThat(timed.getId().getTag("error")).isEqualTo("IOException");
        assertThat(timed.count()).isEqualTo(2);
    }

    @Test
    void requestsHaveTraceIdForTheLog() throws ServletException, IOException {
        List<String> ids = new ArrayList<>();

        for (int i = 0; i < 2; i++) {
            filter(false, operation(), (request, response) -> {
                assertThat(Operation.of((MockHttpServletRequest) request).isOnlyTimed)
                        .isTrue();
                ids.add(MDC.get("traceId"));
            });
        }

        assertThat(ids).doesNotHaveDuplicates().allSatisfy(id -> assertThat(id).matches("[0-9a-f]{32}"));
        assertThat(MDC.get("traceId")).isNull();
    }

    @Test
    void keepsTraceIdOfUnsampledCaller() throws ServletException, IOException {
        List<String> ids = new ArrayList<>();

        filter(
                true,
                ofTrace("00-" + TRACE + "-00f067aa0ba902b7-00"),
                (request, response) -> ids.add(MDC.get("traceId")));

        assertThat(ids).containsExactly(TRACE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "00",
                "00-" + TRACE + "-00f067aa0ba902b7-03",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-00",
                "01-" + TRACE + "-00f067aa0ba902b7-00",
                "00-" + TRACE + "-00f067aa0ba902b7-00-what"
            })
    void observesRequestsWithUnknownTraceparent(String parent) throws ServletException, IOException {
        List<Boolean> onlyTimed = new ArrayList<>();

        filter(
                false,
                ofTrace(parent),
                (request, response) -> onlyTimed.add(Operation.of((MockHttpServletRequest) request).isOnlyTimed));

        assertThat(onlyTimed).containsExactly(false);
    }

    @Test
    void observesRequestsThatAreTracedByAnotherHeader() throws ServletException, IOException {
        MockHttpServletRequest request = operation();
        request.addHeader("b3", TRACE + "-00f067aa0ba902b7-1");
        List<Boolean> onlyTimed = new ArrayList<>();

        filter(
                false,
                request,
                (same, response) -> onlyTimed.add(Operation.of((MockHttpServletRequest) same).isOnlyTimed));

        assertThat(onlyTimed).containsExactly(false);
    }

    @Test
    void observesSampledRequests() throws ServletException, IOException {
        List<Boolean> inSample = new ArrayList<>();

        filter(true, operation(), (request, response) -> {
            assertThat(Operation.of((MockHttpServletRequest) request).isOnlyTimed)
                    .isFalse();
            inSample.add(ObservationShortcut.isInSample(Context.current()));
        });

        assertThat(inSample).containsExactly(true);
        assertThat(ObservationShortcut.isInSample(Context.current())).isFalse();
    }

    @Test
    void callerDecidesWhetherItsTraceIsSampled() throws ServletException, IOException {
        List<Boolean> inSample = new ArrayList<>();

        filter(true, ofTrace(), (request, response) -> inSample.add(ObservationShortcut.isInSample(Context.current())));

        assertThat(inSample).containsExactly(false);
    }

    @Test
    void observesEventStreams() throws ServletException, IOException {
        MockHttpServletRequest stream = operation();
        stream.addHeader("Accept", "text/event-stream");
        List<Boolean> onlyTimed = new ArrayList<>();

        filter(
                false,
                stream,
                (request, response) -> onlyTimed.add(Operation.of((MockHttpServletRequest) request).isOnlyTimed));

        assertThat(onlyTimed).containsExactly(false);
    }

    private void filter(boolean sampled, MockHttpServletRequest request, FilterChain chain)
            throws ServletException, IOException {
        ObservationRegistry observations = ObservationRegistry.create();
        observations
                .observationConfig()
                .observationHandler(new DefaultMeterObservationHandler(meters, IgnoredMeters.LONG_TASK_TIMER));
        new ObservationShortcut(
                        traceId -> sampled,
                        new PostShortcut(new GraphQlProperties(), operation -> Mono.never(), JsonMapper.shared()),
                        "/graphql",
                        List.of("b3", "traceparent", "tracestate"),
                        meters,
                        observations,
                        new DefaultServerRequestObservationConvention())
                .doFilter(request, new MockHttpServletResponse(), chain);
    }

    private Timer onlyTimer() {
        List<Meter> all = meters.getMeters();
        assertThat(all).singleElement().isInstanceOf(Timer.class);
        return (Timer) all.getFirst();
    }

    private static MockHttpServletRequest operation() {
        MockHttpServletRequest request = new MockHttpServletRequest("POST", "/graphql");
        request.setContentType("application/json");
        return request;
    }

    private static MockHttpServletRequest ofTrace() {
        return ofTrace("00-" + TRACE + "-00f067aa0ba902b7-01");
    }

    private static MockHttpServletRequest ofTrace(String parent) {
        MockHttpServletRequest request = operation();
        request.addHeader("traceparent", parent);
        return request;
    }
}
