// An echo, and one room: `J…` joins it, `P<text>` sends the text to its members.
module.exports = function room(send) {
  const members = new Set();
  return {
    message(member, text) {
      if (text.startsWith("P")) {
        const said = text.slice(1);
        for (const one of members) send(one, said);
        return;
      }
      if (text.startsWith("J")) members.add(member);
      send(member, text);
    },
    leave(member) {
      members.delete(member);
    },
  };
};
