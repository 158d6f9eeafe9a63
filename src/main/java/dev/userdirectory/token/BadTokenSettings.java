package dev.userdirectory.token;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Keeps the service from starting with settings that would reject all tokens, or accept forged ones. */
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
