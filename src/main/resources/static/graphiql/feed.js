import { element } from "./caller.js";
import { DIRECTORY_EVENTS } from "./tabs.js";

const SHOWN = 100;
const panel = document.getElementById("feed");
const state = document.getElementById("feed-state");
const list = document.getElementById("events");
const watch = document.getElementById("watch");

// From a document, GraphiQL's fetcher only needs to know which operation is a subscription.
const DOCUMENT = {
  kind: "Document",
  definitions: [
    { kind: "OperationDefinition", operation: "subscription", name: { kind: "Name", value: "DirectoryEvents" } },
  ],
};

let opened = null;

/** Follows the feed outside GraphiQL, which would stop the subscription when the user switches to another tab. */
export async function watchFeed(fetcher) {
  const mine = {};
  opened = mine;
  panel.hidden = false;
  watch.setAttribute("aria-expanded", "true");
  watch.textContent = "Close the feed";
  state.textContent = "Waiting for events. Run a mutation to see one.";
  list.replaceChildren();
  let end = "The feed has ended.";
  try {
    mine.events = await fetcher(
      { query: DIRECTORY_EVENTS, operationName: "DirectoryEvents" },
      { documentAST: DOCUMENT },
    );
    if (opened !== mine) {
      mine.events.return();
    }
    for await (const { data, errors } of mine.events) {
      if (errors) {
        state.textContent = errors[0].message;
      } else {
        show(data.directoryEvents);
      }
    }
  } catch (error) {
    // A socket reports a list of errors.
    end = [error].flat()[0].message;
  }
  if (opened === mine) {
    state.textContent = end;
  }
}

export function closeFeed() {
  opened?.events?.return();
  opened = null;
  panel.hidden = true;
  watch.setAttribute("aria-expanded", "false");
  watch.textContent = "Watch the feed";
}

export const watchesFeed = () => !panel.hidden;

function show({ __typename, occurredAt, userId, user, groupId, group }) {
  state.textContent = "";
  const who = user ? `${user.name} <${user.email}>` : userId;
  const row = document.createElement("li");
  row.append(
    element("time", new Date(occurredAt).toLocaleTimeString()),
    element("strong", __typename),
    element("span", [who, group?.name ?? groupId].filter(Boolean).join(" · ")),
  );
  list.prepend(row);
  if (list.children.length > SHOWN) {
    list.lastChild.remove();
  }
}
