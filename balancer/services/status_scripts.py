"""What runs inside Redis, where one frame of a node cannot come between the reading and the writing of another."""

# Rows end in `,"at":<epoch>}`, so that the script can compare what was said apart from when, without parsing JSON.
# An equal row is written again for its time: it fences a late frame that said otherwise in between. For the same reason
# what is gone leaves a word that it is, which is no row to any reader, until its tenant is told whole. A server whose
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
local changed, seen, gone = {}, {}, '{"gone":true'
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
    local is = ARGV[i + 1] ~= '' and ARGV[i + 1] or gone
    redis.call('HSET', key, field, is .. ',"at":' .. ARGV[2] .. '}')
    turned(ARGV[i], said, is)
    if said ~= is and (said or is ~= gone) then changed[#changed + 1] = ARGV[i] end
  end
end
if full then
  local suffix = '|' .. node
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if not seen[field] and string.sub(field, -#suffix) == suffix then
      local said, when = stored(field)
      if not when or when <= at then
        redis.call('HDEL', key, field)
        if said ~= gone then changed[#changed + 1] = string.sub(field, 1, #field - #suffix) end
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

# Which of a node's numbered frames have come (`balancer.edge.telling`). One whose `since` is reached carries on from
# there; others wait: frames are worked on at once, and the one in between may be about to come. Answers after which
# number something is missing, once it has been missing for ARGV[2] seconds, then every ARGV[3] until it is made up for.
HEARD = """
local text, new, now = redis.call('GET', KEYS[1]), cjson.decode(ARGV[1]), tonumber(ARGV[4])
local had = text and cjson.decode(text)
if had and had.run ~= new.run then
  if had.at > new.at then return end
  had = nil
end
had = had or {run = new.run, at = new.at, upto = -1, ahead = {}}
had.at = math.max(had.at, new.at)
had.ahead[tostring(new.number)] = new.since
local moved, waiting = true, 0
while moved do
  moved, waiting = false, 0
  for number, since in pairs(had.ahead) do
    waiting = waiting + 1
    if since <= had.upto then
      had.upto, had.ahead[number], moved = math.max(had.upto, tonumber(number)), nil, true
    end
  end
end
local answer
if waiting == 0 then
  had.ask = nil
elseif not had.ask then
  had.ask = now + ARGV[2]
elseif now >= had.ask then
  answer, had.ask = had.upto, now + ARGV[3]
end
if waiting > 100 then had.ahead = {} end
redis.call('SET', KEYS[1], cjson.encode(had), 'EX', ARGV[5])
return answer
"""
