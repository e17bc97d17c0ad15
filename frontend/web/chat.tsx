import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Api, Conversation, Message, ToolCall } from "./api";
import { Alert, Icon, useAttempt } from "./parts";

/** A message as it is shown; tools are known only of answers that came just now. */
interface Said extends Pick<Message, "role" | "content"> {
  readonly tools?: readonly ToolCall[];
}

const SUGGESTIONS = ["Add buy milk", "List my tasks"];

const LONGEST_MESSAGE = 4000;

/** What a tool did, for people; an unknown tool keeps its name. */
const DEEDS: Record<string, string> = {
  add_task: "Added a task",
  complete_task: "Completed a task",
  delete_task: "Deleted a task",
  list_tasks: "Looked at the tasks",
  update_task: "Changed a task",
};

interface Props {
  readonly api: Api;
  /** Told when the assistant may have changed tasks. */
  readonly changed: () => void;
}

/** The talk that is shown, and the others. */
function useTalk(api: Api, changed: () => void) {
  const { trouble, attempt } = useAttempt();
  const [talks, setTalks] = useState<readonly Conversation[]>([]);
  const [chosen, setChosen] = useState<Conversation["id"] | null>(null);
  const [said, setSaid] = useState<readonly Said[]>([]);
  const [waiting, setWaiting] = useState(false);
  const steps = useRef(0);
  const open = useCallback(
    (id: Conversation["id"] | null) =>
      attempt(async () => {
        const step = ++steps.current;
        const messages = id === null ? [] : await api.messages(id);
        if (step !== steps.current) {
          return; // something was said meanwhile, or another one was chosen: that counts
        }
        setChosen(id);
        setSaid(messages);
      }),
    [api, attempt],
  );
  const load = useCallback(
    () =>
      attempt(async () => {
        const all = await api.conversations();
        setTalks(all);
        if (all[0]) {
          await open(all[0].id);
        }
      }),
    [api, attempt, open],
  );
  useEffect(() => void load(), [load]);
  const say = async (message: string) => {
    const before = said;
    steps.current += 1;
    setSaid([...before, { role: "user", content: message }]);
    setWaiting(true);
    const heard = await attempt(async () => {
      const { reply, conversation_id, tool_calls } = await api.chat(message, chosen);
      setSaid([
        ...before,
        { role: "user", content: message },
        { role: "assistant", content: reply, tools: tool_calls },
      ]);
      if (conversation_id !== chosen) {
        setChosen(conversation_id);
        setTalks(await api.conversations());
      }
    });
    setWaiting(false);
    if (!heard) {
      setSaid(before); // what was typed is in the box again
    }
    changed(); // even where no answer came: a tool may have been called before
    return heard;
  };
  return { talks, chosen, said, waiting, trouble, open, say };
}

/** The assistant. */
export function Chat({ api, changed }: Props) {
  const { talks, chosen, said, waiting, trouble, open, say } = useTalk(api, changed);
  return (
    <section class="card chat-panel" aria-labelledby="chat-heading">
      <header class="panel-head">
        <h2 id="chat-heading">Assistant</h2>
        <span class="talks">
          {talks.length > 1 && <Talks talks={talks} chosen={chosen} waiting={waiting} open={open} />}
          {said.length > 0 && (
            <button type="button" class="quiet" disabled={waiting} onClick={() => open(null)}>
              <Icon name="plus" />
              New chat
            </button>
          )}
        </span>
      </header>
      <Log said={said} waiting={waiting} />
      {said.length === 0 && !waiting && <Suggestions say={say} />}
      {trouble && <Alert>{trouble}</Alert>}
      <Box waiting={waiting} say={say} />
    </section>
  );
}

interface TalksProps {
  readonly talks: readonly Conversation[];
  readonly chosen: Conversation["id"] | null;
  /** Whether an answer is on its way, which belongs to the chosen one. */
  readonly waiting: boolean;
  readonly open: (id: Conversation["id"]) => void;
}

function Talks({ talks, chosen, waiting, open }: TalksProps) {
  return (
    <select
      aria-label="Earlier chats"
      disabled={waiting}
      value={chosen === null ? "" : String(chosen)}
      onChange={(event) => {
        const talk = talks.find((one) => String(one.id) === event.currentTarget.value);
        if (talk) {
          open(talk.id);
        }
      }}
    >
      {chosen === null && <option value="">New chat</option>}
      {talks.map((talk) => (
        <option key={talk.id} value={String(talk.id)}>
          {talk.title || `Chat ${talk.id}`}
        </option>
      ))}
    </select>
  );
}

/** What was said, read out as it comes; the newest is kept in sight. */
function Log({ said, waiting }: { said: readonly Said[]; waiting: boolean }) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const log = end.current;
    log?.scrollTo({ top: log.scrollHeight });
  }, [said, waiting]);
  return (
    <div class="log" role="log" aria-label="Messages" aria-busy={waiting} tabIndex={0} ref={end}>
      {said.map((one, index) => (
        <div key={index} class={`said ${one.role}`}>
          <span class="hidden">{one.role === "user" ? "You:" : "Assistant:"}</span>
          {one.tools && one.tools.length > 0 && <Tools calls={one.tools} />}
          <p class="bubble">{one.content}</p>
        </div>
      ))}
      {waiting && (
        <div class="said assistant">
          <p class="bubble thinking">
            <span class="hidden">The assistant is thinking.</span>
            <i />
            <i />
            <i />
          </p>
        </div>
      )}
    </div>
  );
}

/** Which tools were called: what they did at a glance, and what went in and out for those who want to know. */
function Tools({ calls }: { calls: readonly ToolCall[] }) {
  return (
    <ul class="tools" aria-label="Tools that were called">
      {calls.map((call, index) => (
        <li key={index}>
          <details>
            <summary class={call.failed ? "failed" : ""}>
              <Icon name={call.failed ? "alert" : "tool"} />
              {call.failed ? "Did not work" : (DEEDS[call.tool] ?? "Called a tool")} <code>{call.tool}</code>
            </summary>
            <pre>{JSON.stringify({ arguments: call.arguments, result: call.result }, null, 2)}</pre>
          </details>
        </li>
      ))}
    </ul>
  );
}

function Suggestions({ say }: { say: (message: string) => Promise<boolean> }) {
  return (
    <div class="suggestions">
      <Icon name="spark" />
      <p>Tell me what is to be done, and I keep your list.</p>
      <div>
        {SUGGESTIONS.map((one) => (
          <button key={one} type="button" class="chip" onClick={() => say(one)}>
            {one}
          </button>
        ))}
      </div>
    </div>
  );
}

/** Where one writes: Enter sends, Shift and Enter begin a new line. */
function Box({ waiting, say }: { waiting: boolean; say: (message: string) => Promise<boolean> }) {
  const [text, setText] = useState("");
  const send = async () => {
    const message = text.trim();
    if (!message || waiting) {
      return;
    }
    setText("");
    if (!(await say(message))) {
      setText(message);
    }
  };
  return (
    <form
      class="box"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label class="hidden" for="message">
        Message to the assistant
      </label>
      <textarea
        id="message"
        rows={1}
        value={text}
        maxLength={LONGEST_MESSAGE}
        placeholder="Ask the assistant…"
        enterkeyhint="send"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            void send();
          }
        }}
      />
      <button class="main round" aria-label="Send" title="Send (Enter)" disabled={waiting || !text.trim()}>
        <Icon name="send" />
      </button>
    </form>
  );
}
