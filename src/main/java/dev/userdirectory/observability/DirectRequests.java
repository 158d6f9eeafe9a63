package dev.userdirectory.observability;

import jakarta.servlet.http.HttpServletRequest;

/** The operations that are answered on the thread that they came on, so that it is over when the last filter returns. */
public interface DirectRequests {
    boolean contain(HttpServletRequest request);
}
