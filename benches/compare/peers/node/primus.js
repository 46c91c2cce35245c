// `node primus.js PORT TRANSFORMER`
const Primus = require("primus");
const room = require("./room")((spark, text) => spark.write(text));

require("./listen")((server) => {
  const primus = new Primus(server, {
    transformer: process.argv[3] ?? "websockets",
    iknowclusterwillbreakconnections: true,
  });
  primus.on("connection", (spark) => {
    spark.on("data", (text) => room.message(spark, text));
    spark.on("end", () => room.leave(spark));
  });
});
