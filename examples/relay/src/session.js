import { fetchQuery, graphql } from 'relay-runtime';
import { createEnvironment } from './environment.js';

const newestCursor = graphql`
  query sessionNewestCursorQuery {
    directoryEvents(first: 0) {
      newestCursor
    }
  }
`;

/** Gets a token from the local identity provider. In production, use the authorization code flow with PKCE. */
async function fetchToken(name) {
  const response = await fetch('/token', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: name,
      client_secret: 'secret',
      scope: 'users:read users:write',
    }),
  });
  if (!response.ok) {
    throw new Error(`The identity provider answered with status ${response.status}.`);
  }
  return (await response.json()).access_token;
}

/** Reads the cursor before any user, so that a feed that starts there misses no change of the users read later. */
export async function openSession(name, onUnauthenticated) {
  const { environment, socket } = createEnvironment(await fetchToken(name), onUnauthenticated);
  const { directoryEvents } = await fetchQuery(environment, newestCursor, {}).toPromise();
  return { name, environment, socket, cursor: directoryEvents.newestCursor };
}
