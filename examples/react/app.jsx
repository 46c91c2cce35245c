import { useState } from "react";
import { createRoot } from "react-dom/client";
import { StellarClient } from "stellar-client";
import { useAction, useConnection, useRoom } from "stellar-client/react";

const client = new StellarClient({ url: location.origin });
client.connect();

function Chat({ room }) {
  const { messages, joined, error, say } = useRoom(client, room);
  const [text, setText] = useState("");
  const send = (event) => {
    event.preventDefault();
    say(text).catch(() => {});
    setText("");
  };
  return (
    <section>
      <h2>{room}: {error ? error.message : joined ? "joined" : "joining"}</h2>
      <ul>
        {messages.map(({ from, message, sentAt }, index) => (
          <li key={`${sentAt} ${index}`}>{from}: {JSON.stringify(message)}</li>
        ))}
      </ul>
      <form onSubmit={send}>
        <input value={text} onChange={(event) => setText(event.target.value)} aria-label="Message" />
        <button>Say</button>
      </form>
    </section>
  );
}

function App() {
  const state = useConnection(client);
  const { call, answer, error, pending } = useAction(client, "randomNumber");
  return (
    <main>
      <h1>Stellar and React: {state}</h1>
      <Chat room="lobby" />
      <button disabled={pending} onClick={() => call({}).catch(() => {})}>Random number</button>
      <output>{error ? error.message : answer?.randomNumber}</output>
    </main>
  );
}

createRoot(document.getElementById("app")).render(<App />);
