-- SPDX-License-Identifier: MIT OR GPL-2.0-only
-- Ready-made views over the virtual table "event"; temporary, so that the trace itself is not touched. Explained in egpu-trace(1).

-- mappings of the IOMMU after each change
CREATE TEMP VIEW IF NOT EXISTS live_mappings AS
SELECT seq, t_ns, t_s, device, kind,
	sum(CASE kind WHEN 'map' THEN 1 ELSE -1 END) OVER w AS mappings,
	sum(CASE kind WHEN 'map' THEN len ELSE -len END) OVER w AS bytes
FROM event
WHERE kind IN ('map', 'unmap') AND status = 0
WINDOW w AS (ORDER BY seq ROWS UNBOUNDED PRECEDING);

-- requests of the guest's driver after each change
CREATE TEMP VIEW IF NOT EXISTS live_requests AS
SELECT seq, t_ns, t_s, device, kind,
	sum(CASE kind WHEN 'req_map' THEN 1 ELSE -1 END) OVER w AS requests,
	sum(CASE kind WHEN 'req_map' THEN len ELSE -len END) OVER w AS bytes
FROM event
WHERE kind IN ('req_map', 'req_unmap') AND status = 0
WINDOW w AS (ORDER BY seq ROWS UNBOUNDED PRECEDING);

-- presented frames; a device's first has no frame time
CREATE TEMP VIEW IF NOT EXISTS frames AS
SELECT device, frame AS number, t_ns, t_s,
	(t_ns - lag(t_ns) OVER w) / 1e6 AS frame_ms,
	1e9 / nullif(t_ns - lag(t_ns) OVER w, 0) AS fps
FROM event
WHERE kind = 'frame'
WINDOW w AS (PARTITION BY device ORDER BY seq);

-- requests by size
CREATE TEMP VIEW IF NOT EXISTS map_sizes AS
SELECT len, count(*) AS requests, sum(status <> 0) AS failed, len * count(*) AS bytes,
	round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM event
WHERE kind = 'req_map'
GROUP BY len
ORDER BY requests DESC, len;

-- registers by accesses
CREATE TEMP VIEW IF NOT EXISTS bar_top AS
SELECT device, region, offset, printf('0x%x', offset) AS offset_hex, sum(kind = 'region_read') AS reads,
	sum(kind = 'region_write') AS writes, count(*) AS accesses,
	round(100.0 * count(*) / sum(count(*)) OVER (), 2) AS percent
FROM event
WHERE kind IN ('region_read', 'region_write')
GROUP BY device, region, offset
ORDER BY accesses DESC, device, region, offset;

-- interrupts by vector; type is INTx, MSI or MSI-X
CREATE TEMP VIEW IF NOT EXISTS irqs AS
SELECT device, CASE type WHEN 0 THEN 'INTx' WHEN 1 THEN 'MSI' WHEN 2 THEN 'MSI-X' ELSE type END AS type, vector,
	count(*) AS interrupts, sum(delivered = 0) AS undelivered,
	(count(*) - 1) * 1e9 / nullif(max(t_ns) - min(t_ns), 0) AS per_second
FROM event
WHERE kind = 'irq'
GROUP BY device, event.type, vector
ORDER BY device, event.type, vector;

-- accesses of a device to what is not mapped
CREATE TEMP VIEW IF NOT EXISTS faults AS
SELECT seq, t_ns, t_s, device, CASE flags & 1 WHEN 1 THEN 'write' ELSE 'read' END AS access, iova,
	printf('0x%x', iova) AS iova_hex, len, engine
FROM event
WHERE kind = 'fault';

-- from each mark to the next, and what happened in between; what comes before the first mark is phase 0
CREATE TEMP VIEW IF NOT EXISTS phases AS
WITH numbered AS (
	SELECT sum(kind = 'mark') OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) AS phase, seq, t_ns, kind, status, len, text
	FROM event
), summed AS (
	SELECT phase, max(text) FILTER (WHERE kind = 'mark') AS name, min(t_ns) AS start_ns, max(t_ns) AS last_ns, count(*) AS events,
		sum(kind = 'frame') AS frames, sum(kind = 'req_map') AS requests,
		coalesce(sum(len) FILTER (WHERE kind = 'req_map'), 0) AS requested_bytes,
		sum(kind = 'map' AND status = 0) AS maps, sum(kind = 'unmap' AND status = 0) AS unmaps, sum(kind = 'fault') AS faults
	FROM numbered
	GROUP BY phase
)
SELECT phase, name, start_ns / 1e9 AS start_s,
	(coalesce(lead(start_ns) OVER (ORDER BY phase), last_ns) - start_ns) / 1e9 AS duration_s,
	events, frames, requests, requested_bytes, maps, unmaps, faults
FROM summed;
