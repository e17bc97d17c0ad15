import { describe, expect, it } from "vitest";

import { ignoringRepeats, inOrder } from "../web/actions";

/** An action that ends when the test says so, and the names of the actions that were started. */
function actions() {
  const started: string[] = [];
  const action =
    (name: string, end: Promise<void> = Promise.resolve()) =>
    async () => {
      started.push(name);
      await end;
    };
  let fail: (error: Error) => void = () => undefined;
  const failing = new Promise<void>((_, reject) => (fail = reject));
  return { started, action, failing, fail: () => fail(new Error("of the first action")) };
}

describe("ignoringRepeats", () => {
  it("runs one action at a time, and another one when it has ended or failed", async () => {
    const once = ignoringRepeats();
    const { started, action, failing, fail } = actions();
    const first = once(action("first", failing));
    await once(action("second"));
    fail();
    await expect(first).rejects.toThrow("of the first action");
    await once(action("third"));
    expect(started).toEqual(["first", "third"]);
  });
});

describe("inOrder", () => {
  it("runs every action, each when the one before it has ended or failed", async () => {
    const run = inOrder();
    const { started, action, failing, fail } = actions();
    const first = run(action("first", failing));
    const second = run(action("second"));
    await Promise.resolve();
    expect(started).toEqual(["first"]);
    fail();
    await expect(first).rejects.toThrow("of the first action");
    await second;
    expect(started).toEqual(["first", "second"]);
  });
});
