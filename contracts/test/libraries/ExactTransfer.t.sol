// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {TestToken} from "../../src/TestToken.sol";
import {ExactTransfer} from "../../src/libraries/ExactTransfer.sol";
import {TransferFeeToken} from "../attacks/tokens/TransferFeeToken.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";

contract Puller {
    using ExactTransfer for IERC20;

    function pull(IERC20 token, address from, uint256 amount) external {
        token.pullExact(from, amount);
    }

    function requireReceived(IERC20 token, uint256 before, uint256 amount) external view {
        token.requireReceived(before, amount);
    }
}

contract ExactTransferTest is Test {
    Puller private puller = new Puller();
    address private holder = makeAddr("holder");

    function _approve(TestToken token, uint256 amount) private {
        token.mint(holder, amount);
        vm.prank(holder);
        token.approve(address(puller), amount);
    }

    function testFuzz_WhatWasSentCame(uint256 amount, uint256 held) public {
        TestToken token = new TestToken("Plain", "PLN", 18);
        amount = bound(amount, 0, token.MAX_MINT());
        token.mint(address(puller), bound(held, 0, token.MAX_MINT()));
        uint256 before = token.balanceOf(address(puller));
        _approve(token, amount);

        puller.pull(token, holder, amount);

        assertEq(token.balanceOf(address(puller)), before + amount);
    }

    function testFuzz_RevertWhen_ATokenTakesAFee(uint256 amount) public {
        TransferFeeToken token = new TransferFeeToken();
        amount = bound(amount, 100, token.MAX_MINT());
        _approve(token, amount);

        vm.expectRevert(
            abi.encodeWithSelector(
                ExactTransfer.ExactTransfer_AmountMismatch.selector, address(token), amount - amount / 100, amount
            )
        );
        puller.pull(token, holder, amount);
    }

    function testFuzz_RevertWhen_MoreOrLessCame(uint256 received, uint256 expected) public {
        TestToken token = new TestToken("Plain", "PLN", 18);
        received = bound(received, 0, token.MAX_MINT());
        vm.assume(received != expected);
        token.mint(address(puller), 5);
        token.mint(address(puller), received);

        vm.expectRevert(
            abi.encodeWithSelector(
                ExactTransfer.ExactTransfer_AmountMismatch.selector, address(token), received, expected
            )
        );
        puller.requireReceived(token, 5, expected);
    }
}
