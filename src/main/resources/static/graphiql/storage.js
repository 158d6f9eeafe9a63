import { REPORT_COST, TABS } from "./tabs.js";

/** Queries last as long as the browser's tab. Everything else that GraphiQL stores is lost when the page closes. */
const KEPT = ["tabState", "query", "variables", "headers", "theme"].map((name) => `graphiql:${name}`);

const memory = new Map();
for (const key of KEPT) {
  const value = sessionStorage.getItem(key);
  if (value !== null) {
    memory.set(key, value);
  }
}
if (!memory.has("graphiql:tabState")) {
  // GraphiQL does not read the variables of the first default tab.
  memory.set("graphiql:variables", TABS[0].variables);
}

/** Headers may contain tokens. Only those that this page has set itself are kept. */
function withoutTokens(key, value) {
  const header = (text) => (text === REPORT_COST ? text : "");
  switch (key) {
    case "graphiql:headers":
      return header(value);
    case "graphiql:tabState":
      return JSON.stringify(JSON.parse(value), (name, it) => (name === "headers" ? header(it) : it));
    default:
      return value;
  }
}

export const storage = {
  getItem: (key) => memory.get(key) ?? null,
  setItem(key, value) {
    memory.set(key, value);
    if (KEPT.includes(key)) {
      sessionStorage.setItem(key, withoutTokens(key, value));
    }
  },
  removeItem(key) {
    memory.delete(key);
    sessionStorage.removeItem(key);
  },
  clear() {
    memory.clear();
    sessionStorage.clear();
  },
  get length() {
    return memory.size;
  },
};
