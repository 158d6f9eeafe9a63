package dev.userdirectory.observability;

import jakarta.servlet.http.HttpServletRequest;

/** Tells which operations are answered on the request's thread, and so are complete when the last filter returns. */
public interface DirectRequests {
    boolean contain(HttpServletRequest request);
}
