import torch
from torch.autograd import Function


class DiceCoeff(Function):
    """Dice coefficient of one picture"""

    @staticmethod
    def forward(ctx, input, target):
        eps = 0.0001
        ctx.inter = torch.dot(input.view(-1), target.view(-1))
        ctx.union = torch.sum(input) + torch.sum(target) + eps
        ctx.save_for_backward(input, target)
        return 2 * ctx.inter.float() / ctx.union.float()

    @staticmethod
    def backward(ctx, grad_output):
        input, target = ctx.saved_tensors
        grad_input = grad_target = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output * 2 * (target * ctx.union + ctx.inter) / ctx.union * ctx.union
        if ctx.needs_input_grad[1]:
            grad_target = None
        return grad_input, grad_target


def dice_coeff(input, target):
    """mean over the batch"""
    s = torch.zeros(1)
    for i, c in enumerate(zip(input, target)):
        s = s + DiceCoeff.apply(c[0], c[1])
    return s / (i + 1)


if __name__ == "__main__":
    torch.manual_seed(3)
    # 4 pictures 8 x 8, one square on each; the "net" is a pixel-wise logistic regression
    imgs = torch.zeros(4, 1, 8, 8)
    for n in range(4):
        r, c = torch.randint(0, 4, (2,)).tolist()
        imgs[n, 0, r:r + 4, c:c + 4] = 1
    masks = imgs[:, 0].clone()
    imgs = imgs + 0.4 * torch.randn(imgs.shape)

    net = torch.nn.Conv2d(1, 1, 3, padding=1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for epoch in range(30):
        probs = torch.sigmoid(net(imgs))[:, 0]
        loss = 1 - dice_coeff(probs, masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 10 == 0:
            print("epoch", epoch, "dice loss", loss.item())
