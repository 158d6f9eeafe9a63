// GraphQL over HTTP: all audits of the specification's reference implementation, including SHOULD and MAY.
import { serverAudits } from 'graphql-http';
import { test } from 'node:test';

const { DIRECTORY_URL, TOKEN } = process.env;
// Some of the audits introspect, which requires a token.
const fetchFn = (url, init) => fetch(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${TOKEN}` } });

for (const audit of serverAudits({ url: DIRECTORY_URL, fetchFn })) {
  test(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    if (result.status !== 'ok') {
      throw new Error(`${result.reason}: ${result.response.status} ${await result.response.text()}`);
    }
  });
}
