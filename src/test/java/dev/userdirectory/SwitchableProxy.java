package dev.userdirectory;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Forwards to one local port, and later to another one, as a DNS name or load balancer does after a failover. */
public class SwitchableProxy {
    private final ServerSocket server;
    private final Set<Socket> clients = ConcurrentHashMap.newKeySet();
    private volatile int target;
    private int silent;

    public SwitchableProxy(int target) {
        this(target, 0);
    }

    /** Accepts the first connection, but never responds on it. */
    public static SwitchableProxy silentAtFirst(int target) {
        return new SwitchableProxy(target, 1);
    }

    private SwitchableProxy(int target, int silent) {
        this.target = target;
        this.silent = silent;
        try {
            server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.startVirtualThread(this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    /** Closes the open connections, and forwards new ones to that port. */
    public void switchTo(int port) throws IOException {
        target = port;
        for (Socket client : clients) {
            client.close();
        }
    }

    private void accept() {
        while (true) {
            try {
                Socket client = server.accept();
                clients.add(client);
                if (silent-- > 0) {
                    continue;
                }
                Socket behind = new Socket(InetAddress.getLoopbackAddress(), target);
                Thread.startVirtualThread(() -> forward(client, behind, InputStream::transferTo));
                Thread.startVirtualThread(() -> forward(behind, client, this::respond));
            } catch (IOException e) {
                // The target is down.
            }
        }
    }

    private interface Forwarding {
        void forward(InputStream from, OutputStream to) throws IOException;
    }

    private static void forward(Socket from, Socket to, Forwarding forwarding) {
        try (from;
                to) {
            forwarding.forward(from.getInputStream(), to.getOutputStream());
        } catch (IOException e) {
            // closed
        }
    }

    /** Forwards the data that the server sends on a connection, which is closed when this returns. */
    protected void respond(InputStream server, OutputStream client) throws IOException {
        server.transferTo(client);
    }
}
