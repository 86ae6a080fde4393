// Where the pages begin.
import "./no-eval.ts";
import "./styles/base.css";
import "./styles/parts.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { startFeed } from "./market/feed.ts";
import { openOffline } from "./market/offline.ts";

startFeed();
render(<App />, document.body);
window.addEventListener("load", () => void openOffline().catch(() => {}));
