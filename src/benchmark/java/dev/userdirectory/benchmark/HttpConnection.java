package dev.userdirectory.benchmark;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A minimal HTTP/1.1 client that sends and receives JSON. Minimal, because processor time that the client uses is lost
 * to the service.
 */
final class HttpConnection implements AutoCloseable {
    private static final String END_OF_HEADERS = "\r\n\r\n";
    private static final String LENGTH = "\r\ncontent-length: ";
    private static final String END_OF_CHUNKS = "\r\n0\r\n\r\n";

    private final byte[] head;
    private final SocketChannel channel;
    private byte[] buffer = new byte[1 << 14];
    private int received;

    HttpConnection(URI uri, String token) throws IOException {
        head = String.join(
                        "\r\n",
                        "POST " + uri.getPath() + " HTTP/1.1",
                        "Host: " + uri.getAuthority(),
                        "Authorization: Bearer " + token,
                        "Accept: application/json",
                        "Content-Type: application/json",
                        "Content-Length: ")
                .getBytes(ISO_8859_1);
        channel = SocketChannel.open(new InetSocketAddress(uri.getHost(), uri.getPort()));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    }

    /** Makes {@link #receive} non-blocking: the selector reports when there is something to read. */
    void register(Selector selector) throws IOException {
        channel.configureBlocking(false);
        channel.register(selector, SelectionKey.OP_READ, this);
    }

    /**
     * @return the body of the response, each byte as a character
     * @throws IllegalStateException if the status is not 200
     */
    String post(byte[] json) throws IOException {
        send(json);
        String answer = null;
        while (answer == null) {
            answer = receive();
        }
        return answer;
    }

    void send(byte[] json) throws IOException {
        byte[] rest = (json.length + END_OF_HEADERS).getBytes(ISO_8859_1);
        ByteBuffer request = ByteBuffer.allocate(head.length + rest.length + json.length);
        request.put(head).put(rest).put(json).flip();
        while (request.hasRemaining()) {
            channel.write(request);
        }
    }

    /**
     * @return the body of the response, each byte as a character; null while the response is incomplete
     * @throws IllegalStateException if the status is not 200
     */
    @Nullable
    String receive() throws IOException {
        if (received == buffer.length) {
            buffer = Arrays.copyOf(buffer, 2 * received);
        }
        int read = channel.read(ByteBuffer.wrap(buffer, received, buffer.length - received));
        if (read < 0) {
            throw new EOFException("The connection was closed");
        }
        received += read;
        String answer = new String(buffer, 0, received, ISO_8859_1);
        int end = answer.indexOf(END_OF_HEADERS) + END_OF_HEADERS.length();
        if (end < END_OF_HEADERS.length()) {
            return null;
        }
        String headers = answer.substring(0, end).toLowerCase(Locale.ROOT);
        int length = headers.indexOf(LENGTH);
        if (length >= 0) {
            int from = length + LENGTH.length();
            if (received < end + Integer.parseInt(headers, from, headers.indexOf("\r\n", from), 10)) {
                return null;
            }
        } else if (!answer.endsWith(END_OF_CHUNKS)) {
            // The JSON has no line breaks, so it cannot contain this end.
            return null;
        }
        received = 0;
        String body = answer.substring(end);
        if (!headers.startsWith("http/1.1 200 ")) {
            throw new IllegalStateException("Answered with " + headers + body);
        }
        return length >= 0 ? body : joinChunks(body);
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
        channel.close();
    }
}
