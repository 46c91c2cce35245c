import { createApp, ref } from "vue/dist/vue.esm-bundler.js";
import { StellarClient } from "stellar-client";
import { useAction, useConnection, useRoom } from "stellar-client/vue";

const client = new StellarClient({ url: location.origin });
client.connect();

createApp({
  setup() {
    const text = ref("");
    const room = useRoom(client, "lobby");
    const random = useAction(client, "randomNumber");
    return {
      state: useConnection(client),
      text,
      ...room,
      random: random.answer,
      call: () => random.call({}).catch(() => {}),
      send() {
        room.say(text.value).catch(() => {});
        text.value = "";
      },
    };
  },
  template: `
    <h1>Stellar and Vue: {{ state }}</h1>
    <h2>lobby: {{ error ? error.message : joined ? "joined" : "joining" }}</h2>
    <ul><li v-for="said in messages">{{ said.from }}: {{ said.message }}</li></ul>
    <form @submit.prevent="send">
      <input v-model="text" aria-label="Message"><button>Say</button>
    </form>
    <button @click="call">Random number</button> <output>{{ random?.randomNumber }}</output>
  `,
}).mount("#app");
