import { expect, it } from "vitest";

import { oneAtATime } from "../web/parts";

it("runs one deed at a time, and the next one when it has ended, well or not", async () => {
  const once = oneAtATime();
  let fail: (error: Error) => void = () => undefined;
  const failing = new Promise<void>((_, reject) => (fail = reject));
  const deeds: string[] = [];
  const deed = (name: string, end: Promise<void>) => async () => {
    deeds.push(name);
    await end;
  };
  const first = once(deed("first", failing));
  await once(deed("second", Promise.resolve()));
  fail(new Error("the first one's own"));
  await expect(first).rejects.toThrow("the first one's own");
  await once(deed("third", Promise.resolve()));
  expect(deeds).toEqual(["first", "third"]);
});
