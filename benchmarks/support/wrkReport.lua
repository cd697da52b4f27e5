-- Ends a wrk run with one line of JSON. With PACE_MS each of the connections waits that long on average
-- before its next request, so that every target gets the same rate; the waiting is not counted as latency.
local paceMs = tonumber(os.getenv("PACE_MS") or "0")

if paceMs > 0 then
  function delay()
    return math.random(math.floor(paceMs / 2), math.ceil(paceMs * 3 / 2))
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\n{"requests":%d,"seconds":%f,"failed":%d,"p50Us":%d,"p90Us":%d,"p99Us":%d}\n',
    summary.requests, summary.duration / 1000000, failed,
    latency:percentile(50), latency:percentile(90), latency:percentile(99)))
end
