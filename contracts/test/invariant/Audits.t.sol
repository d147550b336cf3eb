// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {AuditHandler} from "./AuditHandler.t.sol";
import {StdInvariant, Test} from "forge-std/Test.sol";

contract AuditInvariants is StdInvariant, Test {
    AuditHandler private _handler;

    function setUp() public {
        _handler = new AuditHandler();
        _handler.setUp();
        bytes4[] memory actions = new bytes4[](12);
        // Cases move on more often than others begin.
        (actions[0], actions[1]) = (_handler.advance.selector, _handler.advance.selector);
        (actions[2], actions[3]) = (_handler.advance.selector, _handler.advance.selector);
        (actions[4], actions[5]) = (_handler.settle.selector, _handler.record.selector);
        (actions[6], actions[7]) = (_handler.draw.selector, _handler.challenge.selector);
        (actions[8], actions[9]) = (_handler.mine.selector, _handler.wait.selector);
        (actions[10], actions[11]) = (_handler.cover.selector, _handler.collect.selector);
        targetContract(address(_handler));
        targetSelector(FuzzSelector({addr: address(_handler), selectors: actions}));
    }

    /// @dev One function, because each would replay the same runs.
    function invariant_NothingIsReleasedUnjudgedAndNoBondIsLost() public view {
        _handler.checkMoney();
        _handler.checkReleases();
    }
}
