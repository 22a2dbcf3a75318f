"""What runs inside Redis, where one frame of a node cannot come between the reading and the writing of another."""

# Rows end in `,"at":<epoch>}`, so that the script can compare what was said apart from when, without parsing JSON.
# An equal row is written again for its time: it fences a late frame that said otherwise in between. A server whose
# checks say otherwise than before is an event: the newest hundred of a tenant are kept, for a week.
WRITE = """
local key, node, at, full = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local function turned(field, was, is)
  local before, after = string.match(was or '', '"oper": "(%a+)"'), string.match(is, '"oper": "(%a+)"')
  if not before or not after or before == after then return end
  local head = '{"field":"' .. field .. '","node":"' .. node .. '","before":"' .. before .. '","at":' .. ARGV[2]
  redis.call('LPUSH', KEYS[2], head .. ',"row":' .. is .. '}}')
  redis.call('LTRIM', KEYS[2], 0, 99)
  redis.call('EXPIRE', KEYS[2], 604800)
end
local changed, seen = {}, {}
local function stored(field)
  local text = redis.call('HGET', key, field)
  if not text then return nil, nil end
  local said, when = string.match(text, '^(.*),"at":([%d%.]+)}$')
  return said, tonumber(when)
end
for i = 5, #ARGV, 2 do
  local field = ARGV[i] .. '|' .. node
  local said, when = stored(field)
  seen[field] = true
  if not when or when <= at then
    if ARGV[i + 1] == '' then
      if redis.call('HDEL', key, field) == 1 then changed[#changed + 1] = ARGV[i] end
    else
      redis.call('HSET', key, field, ARGV[i + 1] .. ',"at":' .. ARGV[2] .. '}')
      turned(ARGV[i], said, ARGV[i + 1])
      if said ~= ARGV[i + 1] then changed[#changed + 1] = ARGV[i] end
    end
  end
end
if full then
  local suffix = '|' .. node
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if not seen[field] and string.sub(field, -#suffix) == suffix then
      local _, when = stored(field)
      if not when or when <= at then
        redis.call('HDEL', key, field)
        changed[#changed + 1] = string.sub(field, 1, #field - #suffix)
      end
    end
  end
end
redis.call('EXPIRE', key, ARGV[4])
return changed
"""
# An observation's summary, unless a newer one stands; or, without a time, what a report adds to the one that stands.
SUMMARY = """
local text, new = redis.call('HGET', KEYS[1], ARGV[1]), cjson.decode(ARGV[2])
local old = text and cjson.decode(text) or {}
if old.id ~= new.id then old = {} end
if new.at and old.at and old.at > new.at or not new.at and not old.at then return end
for name, value in pairs(new) do old[name] = value end
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(old))
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""
