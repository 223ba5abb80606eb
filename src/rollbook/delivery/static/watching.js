// Watching: the page's data are sent as soon as they change, for as long as somebody looks at it.

/**
 * Watch an address of server-sent events. `onAnswer` gets each answer; `onChange` hears that the stream is open now,
 * or is not: then the page has to ask by itself.
 */
export function watching(address, onAnswer, onChange) {
  let source = null;
  let open = false;

  function turn(now) {
    if (open === now) return;
    open = now;
    onChange();
  }

  function start() {
    if (source) return;
    source = new EventSource(address);
    source.addEventListener("open", () => turn(true));
    source.addEventListener("answer", (event) => onAnswer(JSON.parse(event.data).answer));
    // the server has said why it ends; whoever may still look comes again
    source.addEventListener("gone", stop);
    source.addEventListener("error", (event) => {
      if (event.data) return; // a message named error, not the end of the connection
      if (source?.readyState === EventSource.CLOSED) stop();
      else turn(false); // the browser tries again by itself
    });
  }

  function stop() {
    source?.close();
    source = null;
    turn(false);
  }

  return {start, stop, isOpen: () => open};
}
