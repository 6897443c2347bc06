// Everything that is said to the server and heard from it.

const $ = (id) => document.getElementById(id);

export { $ };

/** Shows what went wrong; nothing hides it again. */
export function complain(text) {
  $("alert").textContent = text;
  $("alert").hidden = !text;
}

/** Says something to those who do not see the page. */
export function say(text) {
  $("status").textContent = text;
}

/** Asks the server, and gives its answer; what it refuses is thrown, in its own words. */
export async function ask(method, path, body) {
  const json = body !== undefined && !(body instanceof Blob);
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "X-Nst-Studio": "1" },
      body: json ? JSON.stringify(body) : body,
    });
  } catch {
    throw new Error("nst does not answer: is it still running?");
  }
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(text || `the server answers ${response.status}`);
  }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Does something that may be refused, and shows why it was. */
export async function attempt(work) {
  try {
    complain("");
    return await work();
  } catch (error) {
    complain(error.message);
    return undefined;
  }
}

/** Calls `heard` with the whole state, now and after each change. */
export function listen(heard) {
  const events = new EventSource("/api/events");
  let lost = false;
  events.onmessage = (event) => {
    if (lost) complain("");
    lost = false;
    heard(JSON.parse(event.data));
  };
  events.onerror = () => {
    lost = true;
    complain("nst does not answer: is it still running? This page looks again by itself.");
  };
}

/** An element with properties and children. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Puts text on the clipboard, and says so on the button. */
export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say("The command line is copied.");
  } catch {
    button.textContent = "The browser does not let it be copied";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}
