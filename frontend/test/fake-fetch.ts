import type { Fetch } from "../web/errors";

/** A fake of `fetch` with these responses or errors, in order. `requests` lists the requests, with their tokens. */
export function fakeFetch(...answers: (Response | Error)[]) {
  const requests: string[] = [];
  const fetch: Fetch = async (url, init) => {
    const { Authorization: token } = (init?.headers ?? {}) as Record<string, string>;
    requests.push([init?.method, url, init?.body, token?.replace("Bearer", "with")].filter(Boolean).join(" "));
    const answer = answers.shift();
    if (!(answer instanceof Response)) {
      throw answer ?? new Error("unexpected request");
    }
    return answer;
  };
  return { fetch, requests };
}

/** A response that breaks off in its body. */
export function broken(): Response {
  return new Response(new ReadableStream({ pull: (body) => body.error(new TypeError("network error")) }));
}
