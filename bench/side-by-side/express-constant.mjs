// The route that `/readyz` is held against: Express, and a constant of the same bytes.
import express from "express";

const [body] = process.argv.slice(2);
const app = express();
app.get("/readyz", (_, response) => void response.type("json").send(body));
const server = app.listen(0, "127.0.0.1", () => process.send(server.address().port));
