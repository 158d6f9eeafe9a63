// A receiver of webhooks to try: verifies each message, and prints its event.
//
//   npm ci && WEBHOOK_SECRET=whsec_… npm start
//
// WEBHOOK_SECRET  the secret that the service signs with
// PORT            where the receiver listens  (4001)
import { HTTP } from 'cloudevents';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { Webhook } from 'standardwebhooks';

/**
 * A request handler of node:http. It responds with 204 once `receive` has accepted the event, 401 if the signature is
 * wrong, and 500 if `receive` throws, so that the event is sent again.
 */
export function createReceiver(secret, receive) {
  const webhook = new Webhook(secret);
  return async (request, response) => {
    let event;
    try {
      const body = await text(request);
      webhook.verify(body, request.headers);
      event = HTTP.toEvent({ headers: request.headers, body });
    } catch (error) {
      console.error(`Refused: ${error.message}`);
      return response.writeHead(401).end();
    }
    try {
      await receive(event);
      response.writeHead(204).end();
    } catch (error) {
      console.error(error);
      response.writeHead(500).end();
    }
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const secret = process.env.WEBHOOK_SECRET;
  const receiver = secret
    ? createReceiver(secret, ({ time, type, subject, data }) => console.log(time, type, subject ?? '', JSON.stringify(data)))
    : (_, response) => response.writeHead(503).end();
  const port = Number(process.env.PORT ?? 4001);
  createServer(receiver).listen(port, process.env.HOST ?? '127.0.0.1', () =>
    console.log(secret ? `Webhooks are received at port ${port}` : 'Set WEBHOOK_SECRET to receive webhooks'),
  );
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => process.exit());
  }
}
