-- SPDX-License-Identifier: MIT OR GPL-2.0-only
-- Wireshark and tshark: the packets of "egpu-trace export pcap" and of egpu-extcap (link type USER0). egpu-trace(1), "export", says what they hold.
-- Use: wireshark -X lua_script:egpu.lua FILE.pcap, or put this file into Wireshark's personal folder of Lua plugins.

local egpu = Proto("egpu", "egpu: a GPU behind an IOMMU")

local RECORD_VERSION = 1
local RECORD_BYTES = 64
local MAGIC = 0x65677075
local KIND_META, KIND_DEVICE = 0xff00, 0xff01

-- as in tracer/event.h: kinds by number, with the names of their arguments; "text" comes behind the record
local kinds = {
	[1] = { "region_read", "region", "offset", "len", "value" },
	[2] = { "region_write", "region", "offset", "len", "value" },
	[3] = { "ram_map", "iova", "len", "offset", "flags" },
	[4] = { "ram_unmap", "iova", "len", false, "flags" },
	[5] = { "req_map", "gpa", "len", "iova", "flags", "guest_t" },
	[6] = { "req_unmap", "gpa", "len", "iova", "flags", "guest_t" },
	[7] = { "map", "gpa", "len", "iova", "seq" },
	[8] = { "unmap", "gpa", "len", "iova", "seq" },
	[9] = { "irq", "type", "vector", "delivered" },
	[10] = { "irq_config", "type", "start", "count", "flags" },
	[11] = { "fault", "iova", "len", "engine", "flags" },
	[12] = { "frame", "frame" },
	[13] = { "mark", "text" },
	[14] = { "clock", "guest_t" },
	[15] = { "gap", "count" },
	[16] = { "reset", "cause" },
	[17] = { "policy", "text" },
	[KIND_META] = { "meta" },
	[KIND_DEVICE] = { "device" },
}

local hex = { gpa = "Guest physical address", iova = "IOVA", offset = "Offset", value = "Value", flags = "Flags" }
local dec = {
	region = "Region", len = "Length", guest_t = "Guest's clock, ns", seq = "Host call", type = "Type of interrupt", vector = "Vector",
	delivered = "Delivered", start = "First vector", count = "Count", engine = "Engine", frame = "Frame", cause = "Cause",
}

local f = {
	kind = ProtoField.string("egpu.kind", "Kind"),
	kind_number = ProtoField.uint16("egpu.kind_number", "Kind's number", base.DEC),
	version = ProtoField.uint16("egpu.version", "Version of the record", base.DEC),
	device = ProtoField.uint16("egpu.device", "Device's number in the trace", base.DEC),
	device_name = ProtoField.string("egpu.device_name", "Device"),
	status = ProtoField.int32("egpu.status", "Status (0 or negative errno)", base.DEC),
	record_flags = ProtoField.uint32("egpu.record_flags", "Flags of the record", base.HEX),
	text = ProtoField.string("egpu.text", "Text"),
	arg = ProtoField.uint64("egpu.arg", "Argument", base.HEX),
	tlp_type = ProtoField.string("egpu.tlp.type", "Type"),
	tlp_length = ProtoField.uint16("egpu.tlp.length", "Length in double words", base.DEC),
	tlp_requester = ProtoField.uint16("egpu.tlp.requester", "Requester", base.HEX),
	tlp_completer = ProtoField.uint16("egpu.tlp.completer", "Completer", base.HEX),
	tlp_tag = ProtoField.uint8("egpu.tlp.tag", "Tag", base.HEX),
	tlp_first_be = ProtoField.uint8("egpu.tlp.first_be", "First byte enables", base.HEX, nil, 0x0f),
	tlp_last_be = ProtoField.uint8("egpu.tlp.last_be", "Last byte enables", base.HEX, nil, 0xf0),
	tlp_address = ProtoField.uint64("egpu.tlp.address", "Address", base.HEX),
	tlp_made_up = ProtoField.bool("egpu.tlp.address_made_up", "Address is made up: the trace does not hold it"),
	tlp_register = ProtoField.uint16("egpu.tlp.register", "Offset in configuration space", base.HEX),
	tlp_status = ProtoField.uint8("egpu.tlp.status", "Completion status", base.DEC,
		{ [0] = "successful", [1] = "unsupported request", [2] = "configuration request retry", [4] = "completer abort" }),
	tlp_byte_count = ProtoField.uint16("egpu.tlp.byte_count", "Byte count", base.DEC),
	tlp_lower_address = ProtoField.uint8("egpu.tlp.lower_address", "Lower address", base.HEX),
	tlp_code = ProtoField.uint8("egpu.tlp.code", "Message code", base.HEX),
	tlp_vendor = ProtoField.uint16("egpu.tlp.vendor", "Vendor", base.HEX),
	tlp_data = ProtoField.bytes("egpu.tlp.data", "Data"),
	tlp_value = ProtoField.uint64("egpu.tlp.value", "Value of the enabled bytes, little-endian", base.HEX),
	tlp_request = ProtoField.framenum("egpu.tlp.request_in", "Request in", base.NONE, frametype.REQUEST),
	tlp_response = ProtoField.framenum("egpu.tlp.response_in", "Completion in", base.NONE, frametype.RESPONSE),
}
for name, label in pairs(hex) do f[name] = ProtoField.uint64("egpu." .. name, label, base.HEX) end
for name, label in pairs(dec) do f[name] = ProtoField.uint64("egpu." .. name, label, base.DEC) end
for name, field in pairs(f) do table.insert(egpu.fields, field) end

local broken = ProtoExpert.new("egpu.broken", "Not a packet of egpu", expert.group.MALFORMED, expert.severity.ERROR)
local failed = ProtoExpert.new("egpu.failed", "Failed", expert.group.RESPONSE_CODE, expert.severity.NOTE)
egpu.experts = { broken, failed }

-- what earlier packets said; filled in the first pass, by packet number so that packets may be looked at in any order later
local names, waiting, request_of, response_of, enabled_of

function egpu.init()
	names, waiting, request_of, response_of, enabled_of = { [0] = "host" }, {}, {}, {}, {}
end

local function id_text(id)
	return string.format("%02x:%02x.%x", math.floor(id / 256), math.floor(id / 8) % 32, id % 8)
end

local function name_of(id)
	return names[id] or id_text(id)
end

-- ---- transaction layer packets ----

local types = {
	[0x00] = "MRd", [0x20] = "MRd", [0x40] = "MWr", [0x60] = "MWr", [0x04] = "CfgRd0", [0x44] = "CfgWr0", [0x0a] = "Cpl", [0x4a] = "CplD",
}

local function type_name(first)
	if first >= 0x30 and first <= 0x37 then return "Msg" end
	if first >= 0x70 and first <= 0x77 then return "MsgD" end
	return types[first]
end

local function hex_text(n)
	return "0x" .. (n:tohex():lower():gsub("^0+(.)", "%1"))
end

-- the bytes that the enables of a request choose, if they lie in a row. Return: offset of the first and their number; nil if they do not
local function enabled_bytes(first_be, last_be, dwords)
	local start, stop = nil, nil

	for i = 0, 4 * dwords - 1 do
		local be = (dwords > 1 and i >= 4 * (dwords - 1)) and last_be or ((i < 4) and first_be or 0xf)
		if math.floor(be / 2 ^ (i % 4)) % 2 == 1 then
			start = start or i
			if stop and i > stop + 1 then return nil end
			stop = i
		end
	end
	return start and { start, stop - start + 1 }
end

-- Return: what to print
local function dissect_data(tvb, at, dwords, tree, enabled)
	if tvb:len() < at + 4 * dwords then return "?" end
	tree:add(f.tlp_data, tvb(at, 4 * dwords))
	if not enabled or enabled[2] > 8 or enabled[1] + enabled[2] > 4 * dwords then return tvb(at, 4 * dwords):bytes():tohex():lower() end
	local range = tvb(at + enabled[1], enabled[2])
	tree:add_le(f.tlp_value, range)
	return hex_text(range:le_uint64())
end

local function pair_request(number, requester, tag, enabled)
	waiting[requester * 256 + tag] = number
	enabled_of[number] = enabled
end

local function pair_completion(number, requester, tag)
	local key = requester * 256 + tag
	if waiting[key] then
		request_of[number], response_of[waiting[key]] = waiting[key], number
		waiting[key] = nil
	end
end

local function add_pair(tree, number)
	if request_of[number] then tree:add(f.tlp_request, request_of[number]):set_generated() end
	if response_of[number] then tree:add(f.tlp_response, response_of[number]):set_generated() end
end

-- Return: requester, tag, enabled bytes
local function dissect_request_ids(tvb, tree, dwords)
	tree:add(f.tlp_requester, tvb(4, 2))
	tree:add(f.tlp_tag, tvb(6, 1))
	tree:add(f.tlp_last_be, tvb(7, 1))
	tree:add(f.tlp_first_be, tvb(7, 1))
	return tvb(4, 2):uint(), tvb(6, 1):uint(), enabled_bytes(tvb(7, 1):bitfield(4, 4), tvb(7, 1):bitfield(0, 4), dwords)
end

-- a high byte of 0xe6 or 0xe7 marks what the exporter had to make up
local function add_address(range, tree)
	local high = range:len() == 8 and range(0, 1):uint() or 0
	local made_up = high == 0xe6 or high == 0xe7

	tree:add(f.tlp_address, range)
	tree:add(f.tlp_made_up, made_up):set_generated()
	if not made_up then return "0x" .. range:bytes():tohex():lower() end
	if high == 0xe6 then
		return string.format("BAR %d + 0x%x (address not in the trace)", range:bitfield(24, 4), range:bitfield(28, 36):tonumber())
	end
	return string.format("interrupt vector %d (address not in the trace)", range:bitfield(28, 32))
end

local function dissect_memory(tvb, pinfo, tree, name, dwords)
	local wide = tvb(0, 1):bitfield(2, 1) == 1
	local at = wide and 16 or 12
	local requester, tag, enabled = dissect_request_ids(tvb, tree, dwords)
	local info = string.format("%s %s", name, add_address(tvb(8, at - 8), tree))

	pinfo.cols.src = name_of(requester)
	if name == "MWr" then
		return string.format("%s = %s", info, dissect_data(tvb, at, dwords, tree, enabled))
	end
	if not pinfo.visited then pair_request(pinfo.number, requester, tag, enabled) end
	add_pair(tree, pinfo.number)
	return string.format("%s, %d DW, tag 0x%02x", info, dwords, tag)
end

local function dissect_config(tvb, pinfo, tree, name, dwords)
	local requester, tag, enabled = dissect_request_ids(tvb, tree, dwords)
	local register = tvb(10, 2):bitfield(4, 12)
	local completer = tvb(8, 2):uint()
	local info = string.format("%s %s register 0x%03x", name, id_text(completer), register)

	tree:add(f.tlp_completer, tvb(8, 2))
	tree:add(f.tlp_register, tvb(10, 2), register)
	pinfo.cols.src, pinfo.cols.dst = name_of(requester), name_of(completer)
	if not pinfo.visited then pair_request(pinfo.number, requester, tag, enabled) end
	add_pair(tree, pinfo.number)
	if name == "CfgWr0" then info = string.format("%s = %s", info, dissect_data(tvb, 12, dwords, tree, enabled)) end
	return info
end

local function dissect_completion(tvb, pinfo, tree, name, dwords)
	local completer, requester, tag = tvb(4, 2):uint(), tvb(8, 2):uint(), tvb(10, 1):uint()
	local info = string.format("%s tag 0x%02x", name, tag)

	tree:add(f.tlp_completer, tvb(4, 2))
	tree:add(f.tlp_status, tvb(6, 1), tvb(6, 1):bitfield(0, 3))
	tree:add(f.tlp_byte_count, tvb(6, 2), tvb(6, 2):bitfield(4, 12))
	tree:add(f.tlp_requester, tvb(8, 2))
	tree:add(f.tlp_tag, tvb(10, 1))
	tree:add(f.tlp_lower_address, tvb(11, 1), tvb(11, 1):bitfield(1, 7))
	pinfo.cols.src, pinfo.cols.dst = name_of(completer), name_of(requester)
	if not pinfo.visited then pair_completion(pinfo.number, requester, tag) end
	add_pair(tree, pinfo.number)
	if name == "CplD" then
		info = string.format("%s = %s", info, dissect_data(tvb, 12, dwords, tree, enabled_of[request_of[pinfo.number] or 0]))
	end
	return info
end

-- ---- records ----

local function arg_text(name, range)
	if hex[name] then return string.format(" %s=%s", name, hex_text(range:le_uint64())) end
	return string.format(" %s=%s", name, tostring(range:le_uint64()))
end

local function dissect_args(r, tree, kind)
	local info = ""

	for i = 0, 5 do
		local range = r(16 + 8 * i, 8)
		local name = kind and kind[i + 2]
		if name and name ~= "text" then
			tree:add_le(f[name], range)
			info = info .. arg_text(name, range)
		elseif not kind then
			tree:add_le(f.arg, range)
		end
	end
	return info
end

local function dissect_record(r, pinfo, tree, sender)
	local version, number, text_bytes = r(0, 2):le_uint(), r(2, 2):le_uint(), r(6, 2):le_uint()
	local kind, status = kinds[number], r(8, 4):le_int()
	local name = kind and kind[1] or "kind" .. number
	local info, text

	tree:add_le(f.version, r(0, 2))
	if version ~= RECORD_VERSION then return "record of version " .. version .. "; this dissector knows " .. RECORD_VERSION end
	tree:add(f.kind, r(2, 2), name)
	tree:add_le(f.kind_number, r(2, 2))
	tree:add_le(f.device, r(4, 2))
	local item = tree:add_le(f.status, r(8, 4))
	if status ~= 0 then item:add_proto_expert_info(failed, "status " .. status) end
	tree:add_le(f.record_flags, r(12, 4))
	info = name .. dissect_args(r, tree, kind)
	if text_bytes > 0 and r:len() >= RECORD_BYTES + text_bytes then
		text = r(RECORD_BYTES, text_bytes):string(ENC_UTF_8)
		tree:add(f.text, r(RECORD_BYTES, text_bytes), text)
		info = info .. ' "' .. text .. '"'
	end
	if number == KIND_DEVICE and text and not pinfo.visited then names[sender] = text:match("^%S+") end
	if status ~= 0 then info = info .. " status=" .. status end
	return info
end

local function dissect_message(tvb, pinfo, tree, name, dwords)
	local requester, code = tvb(4, 2):uint(), tvb(7, 1):uint()
	local info = string.format("%s code 0x%02x", name, code)

	tree:add(f.tlp_requester, tvb(4, 2))
	tree:add(f.tlp_code, tvb(7, 1))
	pinfo.cols.src = name_of(requester)
	if code >= 0x20 and code <= 0x23 then return "Msg Assert_INT" .. string.char(65 + code - 0x20) end
	if code ~= 0x7f then return info end
	tree:add(f.tlp_vendor, tvb(10, 2))
	if tvb(12, 4):uint() ~= MAGIC or 4 * dwords < RECORD_BYTES or tvb:len() < 16 + 4 * dwords then
		dissect_data(tvb, 16, dwords, tree)
		return info
	end
	info = dissect_record(tvb(16, 4 * dwords), pinfo, tree:add(egpu, tvb(16, 4 * dwords), "Record"), requester)
	pinfo.cols.src = name_of(requester)
	return info
end

local dissect_by = {
	MRd = dissect_memory, MWr = dissect_memory, CfgRd0 = dissect_config, CfgWr0 = dissect_config,
	Cpl = dissect_completion, CplD = dissect_completion, Msg = dissect_message, MsgD = dissect_message,
}

function egpu.dissector(tvb, pinfo, root)
	local first = tvb:len() >= 12 and tvb(0, 1):uint() or 0xff
	local name = type_name(first)
	-- 4 double words of header by bit 5, data by bit 6
	local wide = name and tvb(0, 1):bitfield(2, 1) == 1
	local tree = root:add(egpu, tvb())

	pinfo.cols.protocol = "egpu"
	if not name or (wide and tvb:len() < 16) then
		tree:add_proto_expert_info(broken)
		pinfo.cols.info = "not a packet of egpu"
		return tvb:len()
	end
	local dwords = tvb(2, 2):bitfield(6, 10)
	if dwords == 0 then dwords = 1024 end
	tree:add(f.tlp_type, tvb(0, 1), name)
	tree:add(f.tlp_length, tvb(2, 2), dwords)
	local info = dissect_by[name](tvb, pinfo, tree, name, dwords)
	pinfo.cols.info = info
	tree:append_text(", " .. info)
	return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, egpu)
