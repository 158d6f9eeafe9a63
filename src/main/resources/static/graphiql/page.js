"use strict";

const USERS = `# Press Ctrl-Enter to run it.
query Users {
  users(first: 10) {
    nodes {
      id
      name
      email
      groups(first: 5) {
        nodes {
          name
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const USER_EVENTS = `# Shows each event until stopped.
subscription UserEvents {
  userEvents {
    cursor
    type
    user {
      id
      name
      email
    }
  }
}
`;

const endpoint = new URL("graphql", document.baseURI);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol.replace("http", "ws");

const tokenBox = document.getElementById("token");
const signIn = document.getElementById("sign-in");

function authorization() {
  const token = tokenBox.value.trim().replace(/^Bearer\s+/i, "");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

// A browser cannot send headers with a socket: there the token goes into connection_init.
function fetcher(params, options) {
  return GraphiQL.createFetcher({
    url: endpoint.href,
    subscriptionUrl: socket.href,
    headers: authorization(),
    wsConnectionParams: authorization(),
  })(params, options);
}

// What GraphiQL would keep in the browser's local storage, tokens in its headers editor included, lasts as long as the page.
const memory = new Map();
const storage = {
  getItem: (key) => memory.get(key) ?? null,
  setItem: (key, value) => memory.set(key, value),
  removeItem: (key) => memory.delete(key),
  clear: () => memory.clear(),
  get length() {
    return memory.size;
  },
};

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
const tabs = [{ query: USERS }, { query: USER_EVENTS }];

// A new fetcher makes GraphiQL load the schema again.
function render() {
  root.render(
    React.createElement(GraphiQL, {
      fetcher: (...args) => fetcher(...args),
      storage,
      defaultTabs: tabs,
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
    }),
  );
}

tokenBox.addEventListener("change", render);
render();

// Only spring-boot:test-run has a local identity provider, and answers here; elsewhere it is not worth a request.
async function localToken() {
  const response = await fetch("graphiql/sign-in");
  return response.ok ? (await response.json()).access_token : null;
}

signIn.addEventListener("click", async () => {
  tokenBox.value = await localToken();
  render();
});

if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) {
  localToken().then((token) => (signIn.hidden = !token));
}
