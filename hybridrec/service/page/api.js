// Questions to the service.

/** Something went wrong; the message is for people. */
export class Problem extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Ask the service: GET, or POST if there is a body. */
export async function ask(path, { body, signal } = {}) {
  const options = { signal };
  if (body) {
    Object.assign(options, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }
  let response;
  let content = null;
  try {
    response = await fetch(path, options);
    content = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!response) throw new Problem("The service does not answer. It may have been stopped.", 0);
  }
  if (response.ok && content) return content;
  const message = content?.error?.message ?? `The service answered with an error (${response.status}).`;
  throw new Problem(message, response.status);
}

/** A line of questions in which only the newest one counts: older ones are given up. */
export class Newest {
  #controller = null;

  async ask(path, body) {
    this.#controller?.abort();
    this.#controller = new AbortController();
    return ask(path, { body, signal: this.#controller.signal });
  }
}

const answers = new Map();
/** Ask for what does not change while the page is open. */
export function askOnce(path) {
  if (!answers.has(path)) {
    const answer = ask(path);
    answers.set(path, answer);
    answer.catch(() => answers.delete(path));
  }
  return answers.get(path);
}

/** "?a=1&b=2", without what is empty. */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
