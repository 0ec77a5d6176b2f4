// stripe-stateful-mock on a free port of the loopback interface; the first line says where.
const {createRequire} = require("node:module");
const {createExpressApp} = createRequire(process.cwd() + "/")("stripe-stateful-mock");

const server = createExpressApp().listen(0, "127.0.0.1", () => {
    console.log(JSON.stringify({listening: `http://127.0.0.1:${server.address().port}`}));
});
