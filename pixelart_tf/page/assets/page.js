// The page's own behaviour: the before/after slider at whole-number zoom, copying, dropping, pasting, the camera, the
// address. Values come from the server as hidden elements; nothing is asked of any other host.
(() => {
  const seen = {}, state = { zoom: 0, box: [0, 0, 1, 1], columns: 0, rows: 0, at: 0.5 };
  const find = (selector) => document.querySelector(selector);

  // --- What the server says --------------------------------------------------------------------------------------
  const handlers = {
    before: (values) => {
      find(".pa-before").src = values.src;
      document.body.classList.toggle("pa-moves", values.moves);
    },
    after: (values) => {
      const image = find(".pa-after"), next = new Image();
      next.onload = () => {
        image.src = values.src;
        const fresh = values.columns !== state.columns || values.rows !== state.rows || values.name !== state.name;
        Object.assign(state, { columns: values.columns, rows: values.rows, box: values.box, name: values.name });
        if (fresh) state.zoom = 0;
        layout();
      };
      next.src = values.src;
      address(values.query);
    },
    problem: (values) => problem(values),
    download: (values) => {
      const link = document.createElement("a");
      link.href = values.href; link.download = values.name;
      document.body.append(link); link.click(); link.remove();
    },
  };

  function sync() {
    const there = new Set();
    for (const element of document.querySelectorAll(".pa-data")) {
      const { kind, values } = element.dataset;
      there.add(kind);
      if (seen[kind] === values) continue;
      seen[kind] = values;
      handlers[kind]?.(JSON.parse(values));
    }
    if (!there.has("problem") && seen.problem) { delete seen.problem; problem(null); }
    if (!there.has("download")) delete seen.download;
  }

  function problem(values) {
    document.querySelectorAll(".pa-problem").forEach((each) => each.remove());
    document.querySelectorAll("[aria-invalid]").forEach((each) => each.removeAttribute("aria-invalid"));
    if (!values) return;
    const said = document.createElement("p");
    said.className = "pa-problem"; said.setAttribute("role", "alert"); said.textContent = values.text;
    const knob = values.knob && document.getElementById(`pa-${values.knob.replace("_", "-")}`);
    if (knob && knob.offsetParent !== null) {
      knob.after(said);
      knob.querySelector("input, select, button")?.setAttribute("aria-invalid", "true");
    } else if (knob && find("#pa-more")?.contains(knob)) {
      find("#pa-more").after(said);
    } else {
      find(".pa-stage-frame").before(said);
    }
  }

  function address(query) {
    const url = new URL(location.href), kept = url.searchParams.get("__theme");
    const next = new URLSearchParams(query);
    if (kept) next.set("__theme", kept);
    const text = next.toString();
    history.replaceState(null, "", text ? `?${text}` : location.pathname);
  }

  // --- The slider ------------------------------------------------------------------------------------------------
  // A cell takes a whole number of the screen's own pixels, so that no cell is wider than another.
  function layout() {
    const stage = find("#pa-stage"), canvas = find(".pa-canvas");
    if (!stage || !state.columns) return;
    stage.classList.remove("pa-empty"); document.body.classList.add("pa-has");
    find(".pa-start").hidden = true; find(".pa-start").style.display = "none";
    canvas.hidden = false; find(".pa-tools").hidden = false;
    const ratio = window.devicePixelRatio || 1;
    const room = Math.min(stage.clientWidth * ratio / state.columns, 640 * ratio / state.rows);
    const zoom = state.zoom || Math.max(1, Math.floor(room));
    state.shown = zoom;
    const width = state.columns * zoom / ratio, height = state.rows * zoom / ratio;
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    Object.assign(find(".pa-after").style, { width: `${width}px`, height: `${height}px` });
    const [left, top, right, bottom] = state.box;
    Object.assign(find(".pa-before").style, {
      width: `${width / (right - left)}px`, height: `${height / (bottom - top)}px`,
      left: `${-left * width / (right - left)}px`, top: `${-top * height / (bottom - top)}px`,
    });
    find("#pa-zoom").textContent = `×${zoom}`;
    lines(width, height, zoom / ratio);
    slide();
  }

  function slide() {
    const at = find(".pa-slider").value / 1000;
    find(".pa-clip").style.clipPath = `inset(0 0 0 ${at * 100}%)`;
    find(".pa-handle").style.left = `${at * 100}%`;
  }

  function lines(width, height, cell) {
    const grid = find(".pa-grid");
    grid.toggleAttribute("hidden", !find("#pa-lines").checked);
    if (!find("#pa-lines").checked) return;
    let path = "";
    for (let x = 1; x < state.columns; x++) path += `M${x * cell} 0V${height}`;
    for (let y = 1; y < state.rows; y++) path += `M0 ${y * cell}H${width}`;
    grid.innerHTML = `<path d="${path}" stroke="#ff2d78" stroke-opacity=".7" stroke-width="1" fill="none"/>`;
  }

  // --- Files -----------------------------------------------------------------------------------------------------
  function upload(files) {
    const input = find("#pa-upload input[type=file], input#pa-upload[type=file]")
      || find("#pa-upload")?.parentElement.querySelector("input[type=file]");
    if (!input || !files.length) return;
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const holds = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holds(event)) return;
    event.preventDefault(); find("#pa-stage")?.classList.add("pa-over");
  });
  document.addEventListener("dragleave", () => find("#pa-stage")?.classList.remove("pa-over"));
  document.addEventListener("drop", (event) => {
    if (!holds(event) || event.target.closest?.("[data-testid='file-upload'], .pa-own-drop")) return;
    event.preventDefault(); find("#pa-stage")?.classList.remove("pa-over");
    upload([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) { event.preventDefault(); upload(files); }
  });

  async function camera() {
    const live = find(".pa-live"), video = live.querySelector("video");
    if (!live.hidden) return stop(video, live);
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
      live.hidden = false;
    } catch {
      problem({ knob: "", text: "The browser gives no camera: there is none, or it may not be used here." });
    }
  }
  function stop(video, live) {
    video.srcObject?.getTracks().forEach((track) => track.stop());
    video.srcObject = null; live.hidden = true;
  }
  function shoot() {
    const live = find(".pa-live"), video = live.querySelector("video"), canvas = document.createElement("canvas");
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => upload([new File([blob], "camera.png", { type: "image/png" })]), "image/png");
    stop(video, live);
  }

  // --- Clicks ----------------------------------------------------------------------------------------------------
  async function copy(text) {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");   // pages without https have no clipboard of their own
      area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    const said = find("#pa-copied");
    said.textContent = `Copied ${text.length > 20 ? "the command" : text}`;
    clearTimeout(copy.timer); copy.timer = setTimeout(() => { said.textContent = ""; }, 2000);
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("button");
    if (!target) return;
    if (target.dataset.copy) copy(target.dataset.copy);
    else if (target.dataset.palette) pick(`palette:${target.dataset.palette}`);
    else if (target.dataset.cell) pick(`cell:${target.dataset.cell}`);
    else if (target.id === "pa-camera") camera();
    else if (target.id === "pa-shoot") shoot();
    else if (target.id === "pa-smaller") { state.zoom = Math.max(1, state.shown - 1); layout(); }
    else if (target.id === "pa-larger") { state.zoom = Math.min(64, state.shown + 1); layout(); }
  });
  document.addEventListener("input", (event) => { if (event.target.matches?.(".pa-slider")) slide(); });
  document.addEventListener("change", (event) => { if (event.target.matches?.("#pa-lines")) layout(); });
  window.addEventListener("resize", () => { state.zoom = 0; layout(); });

  function pick(what) {
    const box = find("#pa-picked textarea, #pa-picked input");
    box.value = `${what}|${Date.now()}`;   // so that the same one again is a change, too
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; sync(); });
  }).observe(document.documentElement, { childList: true, subtree: true });
  sync();
})();
