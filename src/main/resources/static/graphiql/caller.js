const caller = document.getElementById("caller");
let expiry;

/**
 * Shows the claims of a token; only the service can tell if the token is valid.
 *
 * @param name the name of the user that the token belongs to, if the service has returned it
 */
export function showCaller(token, name) {
  clearTimeout(expiry);
  if (!token) {
    caller.textContent = "Not signed in";
    return;
  }
  const { sub, scope, scp, exp } = claims(token);
  const scopes = [scope ?? scp ?? []].flat().join(" ");
  const who = name ?? sub;
  caller.replaceChildren(...(who ? ["Signed in as ", element("strong", who)] : ["Using a token without a subject"]));
  if (name && sub) {
    caller.append(` (${sub})`);
  }
  if (scopes) {
    caller.append(" with ", element("code", scopes));
  }
  if (exp) {
    const milliseconds = exp * 1000 - Date.now();
    caller.append(milliseconds > 0 ? " until " : ", expired at ", element("time", time(new Date(exp * 1000))));
    if (milliseconds > 0) {
      // A longer timeout would elapse at once.
      expiry = setTimeout(() => showCaller(token, name), Math.min(milliseconds, 2 ** 31 - 1));
    }
  }
}

export function showSignInError(message) {
  caller.textContent = message;
}

function claims(token) {
  try {
    const payload = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (byte) => byte.charCodeAt(0)))) ?? {};
  } catch {
    return {};
  }
}

function time(date) {
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
}

export function element(name, text) {
  const result = document.createElement(name);
  result.textContent = text;
  return result;
}
