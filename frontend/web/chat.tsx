import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { useAttempt } from "./actions";
import type { Api, Conversation, Message, ToolCall } from "./api";
import { Alert, Icon } from "./components";

/** A message as it is shown. Only replies of this visit have their tool calls. */
interface ShownMessage extends Pick<Message, "role" | "content"> {
  readonly toolCalls?: readonly ToolCall[];
}

const SUGGESTIONS = ["Add buy milk", "List my tasks"];

const MESSAGE_LENGTH = 4000;

/** Labels of the tools. */
const TOOL_LABELS: Record<string, string> = {
  add_task: "Added a task",
  complete_task: "Completed a task",
  delete_task: "Deleted a task",
  list_tasks: "Looked at the tasks",
  update_task: "Changed a task",
};

interface Props {
  readonly api: Api;
  /** Called when the assistant may have changed tasks. */
  readonly tasksChanged: () => void;
}

/** The conversation that is shown, and the list of all conversations. */
function useConversations(api: Api, tasksChanged: () => void) {
  const { error, attempt } = useAttempt();
  const [conversations, setConversations] = useState<readonly Conversation[]>([]);
  const [chosen, setChosen] = useState<Conversation["id"] | null>(null);
  const [messages, setMessages] = useState<readonly ShownMessage[]>([]);
  const [waiting, setWaiting] = useState(false);
  /** Counts what the user does: a response that arrives after the next step is outdated. */
  const step = useRef(0);
  const open = useCallback(
    (id: Conversation["id"] | null) =>
      attempt(async () => {
        const current = ++step.current;
        const all = id === null ? [] : await api.messages(id);
        if (current === step.current) {
          setChosen(id);
          setMessages(all);
        }
      }),
    [api, attempt],
  );
  const load = useCallback(
    () =>
      attempt(async () => {
        const current = step.current;
        const all = await api.conversations();
        setConversations(all);
        if (all[0] && current === step.current) {
          await open(all[0].id);
        }
      }),
    [api, attempt, open],
  );
  useEffect(() => void load(), [load]);
  const send = async (content: string) => {
    const before = messages;
    step.current += 1;
    setMessages([...before, { role: "user", content }]);
    setWaiting(true);
    const sent = await attempt(async () => {
      const { reply, conversation_id, tool_calls } = await api.chat(content, chosen);
      setMessages([...before, { role: "user", content }, { role: "assistant", content: reply, toolCalls: tool_calls }]);
      if (conversation_id !== chosen) {
        setChosen(conversation_id);
        setConversations(await api.conversations());
      }
    });
    setWaiting(false);
    if (!sent) {
      setMessages(before); // the message is in the input again
    }
    tasksChanged(); // without a reply too: a tool may have been called
    return sent;
  };
  return { conversations, chosen, messages, waiting, error, open, send };
}

/** The assistant. */
export function Chat({ api, tasksChanged }: Props) {
  const { conversations, chosen, messages, waiting, error, open, send } = useConversations(api, tasksChanged);
  return (
    <section class="card chat-panel" aria-labelledby="chat-heading">
      <header class="panel-head">
        <h2 id="chat-heading">Assistant</h2>
        <span class="conversations">
          {conversations.length > 1 && (
            <ConversationSelect conversations={conversations} chosen={chosen} waiting={waiting} open={open} />
          )}
          {messages.length > 0 && (
            <button type="button" class="quiet" disabled={waiting} onClick={() => open(null)}>
              <Icon name="plus" />
              New chat
            </button>
          )}
        </span>
      </header>
      <MessageLog messages={messages} waiting={waiting} />
      {messages.length === 0 && !waiting && <Suggestions send={send} />}
      {error && <Alert>{error}</Alert>}
      <MessageForm waiting={waiting} send={send} />
    </section>
  );
}

interface ConversationSelectProps {
  readonly conversations: readonly Conversation[];
  readonly chosen: Conversation["id"] | null;
  /** Whether a reply is on its way, which belongs to the chosen conversation. */
  readonly waiting: boolean;
  readonly open: (id: Conversation["id"]) => void;
}

function ConversationSelect({ conversations, chosen, waiting, open }: ConversationSelectProps) {
  return (
    <select
      aria-label="Earlier chats"
      disabled={waiting}
      value={chosen === null ? "" : String(chosen)}
      onChange={(event) => {
        const conversation = conversations.find((one) => String(one.id) === event.currentTarget.value);
        if (conversation) {
          open(conversation.id);
        }
      }}
    >
      {chosen === null && <option value="">New chat</option>}
      {conversations.map((conversation) => (
        <option key={conversation.id} value={String(conversation.id)}>
          {conversation.title || `Chat ${conversation.id}`}
        </option>
      ))}
    </select>
  );
}

/** The messages, which screen readers announce as they arrive. The latest one is scrolled into view. */
function MessageLog({ messages, waiting }: { messages: readonly ShownMessage[]; waiting: boolean }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const log = element.current;
    log?.scrollTo({ top: log.scrollHeight });
  }, [messages, waiting]);
  return (
    <div class="log" role="log" aria-label="Messages" aria-busy={waiting} tabIndex={0} ref={element}>
      {messages.map((message, index) => (
        <div key={index} class={`message ${message.role}`}>
          <span class="hidden">{message.role === "user" ? "You:" : "Assistant:"}</span>
          {message.toolCalls && message.toolCalls.length > 0 && <ToolCalls calls={message.toolCalls} />}
          <p class="bubble">{message.content}</p>
        </div>
      ))}
      {waiting && (
        <div class="message assistant">
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

/** The tools that were called: a label each, which unfolds to arguments and result. */
function ToolCalls({ calls }: { calls: readonly ToolCall[] }) {
  return (
    <ul class="tools" aria-label="Tools that were called">
      {calls.map((call, index) => (
        <li key={index}>
          <details>
            <summary class={call.failed ? "failed" : ""}>
              <Icon name={call.failed ? "alert" : "tool"} />
              {call.failed ? "Did not work" : (TOOL_LABELS[call.tool] ?? "Called a tool")} <code>{call.tool}</code>
            </summary>
            <pre>{JSON.stringify({ arguments: call.arguments, result: call.result }, null, 2)}</pre>
          </details>
        </li>
      ))}
    </ul>
  );
}

function Suggestions({ send }: { send: (message: string) => Promise<boolean> }) {
  return (
    <div class="suggestions">
      <Icon name="spark" />
      <p>Tell me what is to be done, and I will keep your list.</p>
      <div>
        {SUGGESTIONS.map((suggestion) => (
          <button key={suggestion} type="button" class="chip" onClick={() => send(suggestion)}>
            {suggestion}
          </button>
        ))}
      </div>
    </div>
  );
}

/** The form for messages: Enter sends, Shift+Enter starts a new line. */
function MessageForm({ waiting, send }: { waiting: boolean; send: (message: string) => Promise<boolean> }) {
  const [text, setText] = useState("");
  const input = useRef<HTMLTextAreaElement>(null);
  const submit = async () => {
    const message = text.trim();
    if (!message || waiting) {
      return;
    }
    setText("");
    input.current?.focus(); // the button, which may have the focus, is disabled while there is no text
    if (!(await send(message))) {
      setText((typed) => (typed ? `${message}\n${typed}` : message));
    }
  };
  return (
    <form
      class="message-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label class="hidden" for="message">
        Message to the assistant
      </label>
      <textarea
        id="message"
        ref={input}
        rows={1}
        value={text}
        maxLength={MESSAGE_LENGTH}
        placeholder="Ask the assistant…"
        enterkeyhint="send"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            void submit();
          }
        }}
      />
      <button class="main round" aria-label="Send" title="Send (Enter)" disabled={waiting || !text.trim()}>
        <Icon name="send" />
      </button>
    </form>
  );
}
