-- Posts bodies from a file (BODIES, one on a line), the mark in each replaced by a number that no other request has
-- (from FIRST on, in hex), showing a KEY if there is one, and prints as JSON what came of it. One thread: the numbers are its own.
local mark = "@@@@@@@@"
local bodies, number = {}, tonumber(os.getenv("FIRST"))

function init()
  for line in io.lines(os.getenv("BODIES")) do
    local pieces, from = {}, 1
    while true do
      local at = line:find(mark, from, true)
      if not at then break end
      pieces[#pieces + 1] = line:sub(from, at - 1)
      from = at + #mark
    end
    pieces[#pieces + 1] = line:sub(from)
    bodies[#bodies + 1] = pieces
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  if os.getenv("KEY") ~= "" then wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEY") end
end

function request()
  number = number + 1
  return wrk.format(nil, nil, nil, table.concat(bodies[number % #bodies + 1], string.format("%08x", number)))
end

function done(summary, latency)
  local lost = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, lost.status, lost.connect + lost.read + lost.write + lost.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
