"""The full-width tagger takes the official checkpoints of RAM and DAPE, key for key and shape for shape.

Both tables are written from the published configs (ram/configs/swin/config_swinL_384.json, q2l_config.json and med_config.json
of SeeSR), not from timm: a release of timm that names or shapes a layer otherwise fails here, before a user's 5 GB download does."""
import io
import pytest, torch

def layer(name, *shape, bias=True): return {f'{name}.weight': shape} | ({f'{name}.bias': shape[:1]} if bias else {})
def linear(name, i, o, bias=True): return layer(name, o, i, bias=bias)
def norm(name, c): return layer(name, c)
def merge(*tables): return {k: v for t in tables for k, v in t.items()}

EMBED, DEPTHS, HEADS, WINDOW, GRID = 192, (2, 2, 18, 2), (6, 12, 24, 48), 12, 384//4
HIDDEN, WIDE, DIM, TAGS, RANK = 768, 3072, 512, 4585, 8
WIDTHS = [EMBED*2**i for i in range(4)]
QKV = [(f'visual_encoder.layers.{i}.blocks.{j}.attn.qkv', c) for i, (n, c) in enumerate(zip(DEPTHS, WIDTHS)) for j in range(n)]

def swin():
    v = 'visual_encoder'
    t = merge(layer(f'{v}.patch_embed.proj', EMBED, 3, 4, 4), norm(f'{v}.patch_embed.norm', EMBED), norm(f'{v}.norm', WIDTHS[-1]))
    for i, (n, c, heads) in enumerate(zip(DEPTHS, WIDTHS, HEADS)):
        for j in range(n):
            p = f'{v}.layers.{i}.blocks.{j}'
            t |= merge(norm(f'{p}.norm1', c), norm(f'{p}.norm2', c), linear(f'{p}.attn.qkv', c, 3*c), linear(f'{p}.attn.proj', c, c),
                       linear(f'{p}.mlp.fc1', c, 4*c), linear(f'{p}.mlp.fc2', 4*c, c),
                       {f'{p}.attn.relative_position_bias_table': ((2*WINDOW - 1)**2, heads), f'{p}.attn.relative_position_index': (WINDOW**2,)*2})
            # every second block is shifted, but not where one window is the whole map
            if j % 2 and (side := GRID//2**i) > WINDOW: t |= {f'{p}.attn_mask': ((side//WINDOW)**2, WINDOW**2, WINDOW**2)}
        if i < 3: t |= merge(norm(f'{v}.layers.{i}.downsample.norm', 4*c), linear(f'{v}.layers.{i}.downsample.reduction', 4*c, 2*c, bias=False))
    return t

def bert_layer(p, attention, context): # attention: its name; context: width of what it looks at
    return merge(linear(f'{p}.{attention}.self.query', HIDDEN, HIDDEN), linear(f'{p}.{attention}.self.key', context, HIDDEN),
                 linear(f'{p}.{attention}.self.value', context, HIDDEN), linear(f'{p}.{attention}.output.dense', HIDDEN, HIDDEN),
                 norm(f'{p}.{attention}.output.LayerNorm', HIDDEN), linear(f'{p}.intermediate.dense', HIDDEN, WIDE),
                 linear(f'{p}.output.dense', WIDE, HIDDEN), norm(f'{p}.output.LayerNorm', HIDDEN))

def ram():
    head = merge(*(bert_layer(f'tagging_head.encoder.layer.{i}', 'crossattention', DIM) for i in range(2)))
    return merge(swin(), head, linear('image_proj', WIDTHS[-1], DIM), {'label_embed': (TAGS, DIM)}, linear('wordvec_proj', DIM, HIDDEN),
                 linear('fc', HIDDEN, 1))

def text_parts(): # some of what else is in the file
    return {'text_decoder.bert.embeddings.word_embeddings.weight': (30524, HIDDEN)} | bert_layer('tag_encoder.encoder.layer.0', 'crossattention', DIM)

def dape_needed():
    pairs = merge(*({f'{p}.lora_A': (2*RANK, c), f'{p}.lora_B': (2*c, RANK)} for p, c in QKV))
    return merge(pairs, *(attention_pairs(f'tagging_head.encoder.layer.{i}.crossattention', DIM) for i in range(2)))

def attention_pairs(p, context):
    return {f'{p}.self.query.lora_A': (RANK, HIDDEN), f'{p}.self.query.lora_B': (HIDDEN, RANK),
            f'{p}.self.key.lora_A': (RANK, context), f'{p}.self.key.lora_B': (HIDDEN, RANK)}

def dape():
    parts = [(p, c) for i in range(12) for base, c in ((f'tag_encoder.encoder.layer.{i}', DIM), (f'text_decoder.bert.encoder.layer.{i}', HIDDEN))
             for p, c in ((f'{base}.attention', HIDDEN), (f'{base}.crossattention', c))]
    return merge(dape_needed(), *(attention_pairs(p, c) for p, c in parts))

def tensors(table): return {k: torch.empty(s, device='meta') for k, s in table.items()}
def shapes(state): return {k: tuple(v.shape) for k, v in state.items()}

@pytest.fixture(scope='module')
def ours():
    from srstudy.sr.ram import RAM, build_ram
    with torch.device('meta'): return build_ram(RAM['full'])

def test_keys_and_shapes(ours):
    from srstudy.sr.ram import merge_lora, rename_ram
    theirs = rename_ram(merge_lora(tensors(ram() | text_parts()), tensors(dape())))
    assert shapes(theirs) == shapes(ours.state_dict()), sorted(theirs.keys() ^ ours.state_dict().keys())[:10]

def test_every_pair_of_dape_is_needed():
    from srstudy.sr.ram import merge_lora
    full = tensors(ram())
    for key in dape_needed():
        with pytest.raises(ValueError, match='missing'): merge_lora(full, tensors({k: s for k, s in dape().items() if k != key}))
    assert len(dape_needed()) == 2*(24 + 4)

def test_tables_that_we_do_not_read_are_those_that_timm_computes(ours):
    "Where the official code has a table of positions or a mask of shifts, timm's network has one of the same shape."
    theirs = {k: s for k, s in swin().items() if k.endswith(('relative_position_index', 'attn_mask'))}
    got = {k: tuple(b.shape) for k, b in ours.named_buffers() if k.startswith('visual_encoder')}
    assert got == theirs

def test_published_size_of_dape():
    "DAPE.pth has 6.861 MiB. Were a pair of matrices too many or too few in our table, it would be off by 40 KiB or more."
    file = io.BytesIO(); torch.save({k: torch.rand(s) for k, s in dape().items()}, file)
    assert len(dape()) == 248 and abs(6.861*2**20 - file.tell()) < RANK*(HIDDEN + DIM)*4
