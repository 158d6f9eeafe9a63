import { showCaller, showSignInError } from "./caller.js";
import { closeFeed, watchesFeed, watchFeed } from "./feed.js";
import { storage } from "./storage.js";
import { TABS } from "./tabs.js";

const endpoint = new URL("graphql", document.baseURI);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol.replace("http", "ws");

const tokenBox = document.getElementById("token");
const signIn = document.getElementById("sign-in");
const signOut = document.getElementById("sign-out");
const watch = document.getElementById("watch");
const root = ReactDOM.createRoot(document.getElementById("graphiql"));

// GraphiQL's open subscriptions, all with the current token.
let streams = [];

function setToken(text) {
  const token = text.trim().replace(/^Bearer\s+/i, "");
  closeFeed();
  streams.forEach((stream) => stream.return());
  streams = [];
  tokenBox.value = "";
  document.body.classList.toggle("signed-in", token !== "");
  watch.disabled = !token;
  showCaller(token);
  if (token) {
    showName(token, streams);
  }
  const fetcher = fetcherFor(token);
  watch.onclick = () => (watchesFeed() ? closeFeed() : watchFeed(fetcher));
  root.render(
    React.createElement(GraphiQL, {
      fetcher,
      // Without a token, GraphiQL does not request the schema. A new fetcher makes it request the schema again.
      schema: token ? undefined : null,
      storage,
      defaultTabs: TABS,
      defaultEditorToolsVisibility: "variables",
      shouldPersistHeaders: true,
      showPersistHeadersSettings: false,
    }),
  );
}

// If there is no name, the token's claims stay on the page. By the time of the response, the token may be another one.
async function showName(token, mine) {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ query: "query Viewer { viewer { user { name } } }" }),
    });
    const name = (await response.json()).data?.viewer?.user?.name;
    if (name && mine === streams) {
      showCaller(token, name);
    }
  } catch {
    // If the service is unavailable, the user's own operations will show that.
  }
}

// A browser cannot send headers with a WebSocket, so the token goes into connection_init.
function fetcherFor(token) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const fetcher = GraphiQL.createFetcher({
    url: endpoint.href,
    subscriptionUrl: socket.href,
    headers,
    wsConnectionParams: headers,
    enableIncrementalDelivery: false,
  });
  const mine = streams;
  return async (params, options) => {
    const editor = document.querySelector(".graphiql-editor-tool .CodeMirror")?.CodeMirror;
    const variables = editor?.getValue();
    const result = await fetcher(params, options);
    if (Symbol.asyncIterator in result) {
      if (mine === streams) {
        mine.push(result);
      } else {
        result.return();
      }
    }
    const page = result.data?.users?.pageInfo;
    // By now, the editor may show the variables of another tab.
    if (page && "after" in (params.variables ?? {}) && editor.getValue() === variables) {
      const after = page.hasNextPage ? page.endCursor : null;
      editor.setValue(JSON.stringify({ ...params.variables, after }, null, 2));
    }
    return result;
  };
}

async function localToken(tokenUri) {
  const response = await fetch(tokenUri, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: "alice",
      client_secret: "secret",
      scope: "users:read users:write users:self",
    }),
  });
  return (await response.json()).access_token;
}

// GraphiQL labels its editors, but not the fields in them that get the focus.
new MutationObserver(() => {
  for (const field of document.querySelectorAll(".CodeMirror textarea:not([aria-label])")) {
    const headers = field.closest(".graphiql-editor-tool .graphiql-editor:nth-child(2)");
    field.setAttribute("aria-label", headers ? "Headers" : field.closest("section").getAttribute("aria-label"));
  }
}).observe(document.getElementById("graphiql"), { childList: true, subtree: true });

tokenBox.addEventListener("change", () => setToken(tokenBox.value));
signOut.addEventListener("click", () => setToken(""));
// This button exists only in development, where there is a local identity provider.
signIn?.addEventListener("click", async () => {
  const { tokenUri } = signIn.dataset;
  try {
    setToken(await localToken(tokenUri));
  } catch {
    showSignInError(`No token from ${tokenUri}. Is the identity provider running?`);
  }
});
setToken("");
