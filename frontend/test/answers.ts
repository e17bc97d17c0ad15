import type { Ask } from "../web/trouble";

/** Requests get these answers, one after another; `asked` holds what was asked, with the token where there was one. */
export function answering(...answers: (Response | Error)[]) {
  const asked: string[] = [];
  const ask: Ask = async (url, init) => {
    const { Authorization: token } = (init?.headers ?? {}) as Record<string, string>;
    asked.push([init?.method, url, init?.body, token?.replace("Bearer", "with")].filter(Boolean).join(" "));
    const answer = answers.shift();
    if (!(answer instanceof Response)) {
      throw answer ?? new Error("not foreseen");
    }
    return answer;
  };
  return { ask, asked };
}

/** An answer that breaks off in its body. */
export function broken(): Response {
  return new Response(new ReadableStream({ pull: (body) => body.error(new TypeError("network error")) }));
}
