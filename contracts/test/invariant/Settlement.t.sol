// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {SettlementHandler} from "./SettlementHandler.t.sol";
import {StdInvariant, Test} from "forge-std/Test.sol";

contract SettlementInvariants is StdInvariant, Test {
    SettlementHandler private _handler;

    function setUp() public {
        _handler = new SettlementHandler();
        _handler.setUp();
        bytes4[] memory actions = new bytes4[](20);
        // Deposits, settlements and waits come more often: the rest is about what they leave behind.
        (actions[0], actions[1]) = (_handler.deposit.selector, _handler.deposit.selector);
        (actions[2], actions[3]) = (_handler.settle.selector, _handler.settle.selector);
        (actions[4], actions[5]) = (_handler.settle.selector, _handler.wait.selector);
        (actions[6], actions[7]) = (_handler.wait.selector, _handler.seize.selector);
        (actions[8], actions[9]) = (_handler.authorizeSigner.selector, _handler.revokeSigner.selector);
        (actions[10], actions[11]) = (_handler.startOrCancelExit.selector, _handler.finishExit.selector);
        (actions[12], actions[13]) = (_handler.claim.selector, _handler.collect.selector);
        (actions[14], actions[15]) = (_handler.changePool.selector, _handler.changePrice.selector);
        (actions[16], actions[17]) = (_handler.release.selector, _handler.release.selector);
        (actions[18], actions[19]) = (_handler.pause.selector, _handler.unpause.selector);
        targetContract(address(_handler));
        targetSelector(FuzzSelector({addr: address(_handler), selectors: actions}));
    }

    /// @dev One function, because each would replay the same runs.
    function invariant_EveryBaseUnitIsAccountedFor() public view {
        _handler.checkBalances();
        _handler.checkChannels();
        _handler.checkSplit();
        _handler.checkExposures();
    }

    /// @dev Liveness: after each run everybody gets everything out.
    function afterInvariant() public {
        _handler.everybodyLeaves();
    }
}
