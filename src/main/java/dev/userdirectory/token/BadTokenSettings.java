package dev.userdirectory.token;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Stops the service from starting with settings that would let in nobody, or everybody. */
class BadTokenSettings extends RuntimeException {
    private final FailureAnalysis analysis;

    BadTokenSettings(String description, String action) {
        super(description + " " + action);
        this.analysis = new FailureAnalysis(description, action, this);
    }

    static class Analyzer extends AbstractFailureAnalyzer<BadTokenSettings> {
        @Override
        protected FailureAnalysis analyze(Throwable rootFailure, BadTokenSettings cause) {
            return cause.analysis;
        }
    }
}
