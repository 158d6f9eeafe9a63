package dev.userdirectory.benchmark;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.Locale;

/**
 * As much of HTTP/1.1 as it takes to send JSON and to receive it, and no more: what the client takes of the processors is
 * taken from the service.
 */
final class HttpConnection implements AutoCloseable {
    private static final String END_OF_HEADERS = "\r\n\r\n";
    private static final String LENGTH = "\r\ncontent-length: ";
    private static final String END_OF_CHUNKS = "\r\n0\r\n\r\n";

    private final URI uri;
    private final byte[] head;
    private Socket socket;
    private InputStream in;
    private OutputStream out;
    private byte[] buffer = new byte[1 << 14];

    HttpConnection(URI uri, String token) throws IOException {
        this.uri = uri;
        open();
        head = String.join(
                        "\r\n",
                        "POST " + uri.getPath() + " HTTP/1.1",
                        "Host: " + uri.getAuthority(),
                        "Authorization: Bearer " + token,
                        "Accept: application/json",
                        "Content-Type: application/json",
                        "Content-Length: ")
                .getBytes(ISO_8859_1);
    }

    private void open() throws IOException {
        socket = new Socket(uri.getHost(), uri.getPort());
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
        out = socket.getOutputStream();
    }

    /**
     * @return the body of the answer, its bytes as characters
     * @throws IllegalStateException if the status is not 200
     */
    String post(byte[] json) throws IOException {
        byte[] rest = (json.length + END_OF_HEADERS).getBytes(ISO_8859_1);
        byte[] request = Arrays.copyOf(head, head.length + rest.length + json.length);
        System.arraycopy(rest, 0, request, head.length, rest.length);
        System.arraycopy(json, 0, request, head.length + rest.length, json.length);
        out.write(request);

        int received = 0;
        int end = 0;
        while (end < END_OF_HEADERS.length()) {
            received = receive(received);
            end = text(0, received).indexOf(END_OF_HEADERS) + END_OF_HEADERS.length();
        }
        String headers = text(0, end).toLowerCase(Locale.ROOT);
        int length = headers.indexOf(LENGTH);
        if (length >= 0) {
            int from = length + LENGTH.length();
            int size = Integer.parseInt(headers, from, headers.indexOf("\r\n", from), 10);
            while (received < end + size) {
                received = receive(received);
            }
        } else {
            // Within JSON no line ends.
            while (!text(received - END_OF_CHUNKS.length(), received).equals(END_OF_CHUNKS)) {
                received = receive(received);
            }
        }
        String body = text(end, received);
        if (!headers.startsWith("http/1.1 200 ")) {
            throw new IllegalStateException("Answered with " + headers + body);
        }
        if (headers.contains("\r\nconnection: close\r\n")) {
            close();
            open();
        }
        return length >= 0 ? body : joinChunks(body);
    }

    private String text(int from, int to) {
        return new String(buffer, from, to - from, ISO_8859_1);
    }

    private int receive(int received) throws IOException {
        if (received == buffer.length) {
            buffer = Arrays.copyOf(buffer, 2 * received);
        }
        int read = in.read(buffer, received, buffer.length - received);
        if (read < 0) {
            throw new EOFException("The connection was closed");
        }
        return received + read;
    }

    private static String joinChunks(String chunks) {
        StringBuilder joined = new StringBuilder(chunks.length());
        int from = 0;
        while (true) {
            int line = chunks.indexOf("\r\n", from);
            int size = Integer.parseInt(chunks, from, line, 16);
            if (size == 0) {
                return joined.toString();
            }
            joined.append(chunks, line + 2, line + 2 + size);
            from = line + 2 + size + 2;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
